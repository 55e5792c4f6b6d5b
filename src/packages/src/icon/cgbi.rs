//! Apple's variant of PNG, into which Xcode turns every image: a `CgBI` chunk before the header, pixel data without
//! zlib's frame, blue and red exchanged, colours multiplied by their alpha.

use flate2::Crc;
use png::ColorType;

use super::{Bitmap, PNG, png as standard};
use crate::Limits;

/// The header of a zlib stream. Its checksum is left away: the decoder does not ask for it.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// A chunk: what it is, and what it holds.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// Whether the PNG in `bytes` is of this kind.
pub(super) fn is(bytes: &[u8]) -> bool {
    chunks(bytes).next().is_some_and(|(kind, _)| kind == *b"CgBI")
}

/// The image; None if it is broken or too large.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Option<Bitmap> {
    let mut bitmap = standard::decode(&restored(bytes), limits)?;
    match bitmap.color {
        ColorType::Rgb => bitmap.pixels.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2)),
        ColorType::Rgba => bitmap.pixels.chunks_exact_mut(4).for_each(restore),
        _ => {}
    }
    Some(bitmap)
}

/// A PNG that every decoder can read, with pixels that are still Apple's.
fn restored(bytes: &[u8]) -> Vec<u8> {
    let mut png = PNG.to_vec();
    let mut data = ZLIB_HEADER.to_vec();
    for (kind, content) in chunks(bytes) {
        match &kind {
            b"IHDR" | b"PLTE" | b"tRNS" => write(&mut png, kind, content),
            b"IDAT" => data.extend_from_slice(content),
            b"IEND" => break,
            _ => {}
        }
    }
    // Pixel data is one stream, in however many chunks.
    write(&mut png, *b"IDAT", &data);
    write(&mut png, *b"IEND", &[]);
    png
}

fn restore(pixel: &mut [u8]) {
    pixel.swap(0, 2);
    let alpha = u16::from(pixel[3]);
    if alpha == 0 {
        return;
    }
    for channel in &mut pixel[..3] {
        *channel = u8::try_from((u16::from(*channel) * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX);
    }
}

fn write(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(content);
    // A content is part of a file that was found small enough.
    png.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(kind);
    png.extend(content);
    png.extend(crc.sum().to_be_bytes());
}

/// The chunks as far as they are whole.
fn chunks(png: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = png.get(PNG.len()..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let kind = rest.get(4..8)?.try_into().ok()?;
        let end = length.checked_add(8)?;
        let content = rest.get(8..end)?;
        rest = rest.get(end.checked_add(4)?..)?;
        Some((kind, content))
    })
}
