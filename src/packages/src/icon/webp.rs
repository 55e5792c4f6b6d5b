//! WebP files, in which most Android applications of today have their bitmaps.

use std::io::Cursor;

use image_webp::WebPDecoder;
use png::ColorType;

use super::{Bitmap, fits};
use crate::Limits;
use crate::bytes::LittleEndian;

/// Bytes of a file. The decoder keeps tables of 4 KB for some ten bytes of a file that asks for them, so this is what
/// bounds its memory, to some 30 MB. Icons have a few kilobytes.
const MAX_BYTES: usize = 64 << 10;
/// Where the first chunk begins.
const CHUNKS: usize = 12;

/// Whether these are a WebP's first bytes.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

/// The image; None if it is broken, too large, or moves.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Option<Bitmap> {
    if bytes.len() > MAX_BYTES || !frames_fit(bytes, limits) {
        return None;
    }
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).ok()?;
    let (width, height) = decoder.dimensions();
    if !fits(width, height, limits) || decoder.is_animated() {
        return None;
    }
    let color = if decoder.has_alpha() { ColorType::Rgba } else { ColorType::Rgb };
    let mut pixels = vec![0; decoder.output_buffer_size()?];
    decoder.set_memory_limit(MAX_BYTES);
    decoder.read_image(&mut pixels).ok()?;
    Some(Bitmap { width, height, color, pixels })
}

/// Whether the frames' own sizes fit. An extended file tells its size twice, and the decoder makes room for the frame
/// before it compares.
fn frames_fit(bytes: &[u8], limits: &Limits) -> bool {
    let mut at = CHUNKS;
    while let Some((kind, size)) = bytes.slice_at(at, 4).zip(bytes.u32_at(at.saturating_add(4))) {
        let pixels = |offset: usize| bytes.u16_at(at + offset).map_or(0, |side| u32::from(side & 0x3fff));
        if kind == b"VP8 " && !fits(pixels(14), pixels(16), limits) {
            return false;
        }
        let padded = usize::try_from(size.saturating_add(size & 1)).unwrap_or(usize::MAX);
        at = at.saturating_add(8).saturating_add(padded);
    }
    true
}
