//! Standard PNG files.

use std::io::Cursor;

use png::{BitDepth, Compression, Decoder, Encoder, Limits as PngLimits, Transformations};

use super::{Bitmap, fits};
use crate::{Icon, Limits};

/// Bytes a pixel that the decoder may use: of 16 bits a channel, twice.
const BYTES_A_PIXEL: usize = 16;
/// What the decoder needs beside that.
const BYTES_BESIDE: usize = 1 << 20;

/// The image; None if it is broken or too large. Its size is checked before anything is unpacked.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Option<Bitmap> {
    let side = usize::try_from(limits.max_icon_side).ok()?;
    let allowed = PngLimits { bytes: side.checked_mul(side)?.checked_mul(BYTES_A_PIXEL)?.checked_add(BYTES_BESIDE)? };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), allowed);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info().ok()?.size();
    if !fits(width, height, limits) {
        return None;
    }
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    // Of an animation the first image may be smaller than the whole.
    if (frame.width, frame.height, frame.bit_depth) != (width, height, BitDepth::Eight) {
        return None;
    }
    pixels.truncate(frame.buffer_size());
    Some(Bitmap { width, height, color: frame.color_type, pixels })
}

/// The PNG file of an image.
pub(super) fn encode(bitmap: Bitmap) -> Option<Icon> {
    let Bitmap { width, height, color, pixels } = bitmap;
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, width, height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(Icon { png, width, height })
}
