//! String pools of binary XML and resource tables.

use super::chunk::Chunk;
use crate::bytes::LittleEndian;

const UTF8: u32 = 1 << 8;

/// A pool. Nothing is read before it is asked for, so a pool that claims millions of strings costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strings<'a> {
    bytes: &'a [u8],
    offsets: usize,
    count: u32,
    start: usize,
    utf8: bool,
}

impl<'a> Strings<'a> {
    /// None if the chunk is too short to be a pool.
    pub(super) fn parse(chunk: &Chunk<'a>) -> Option<Self> {
        Some(Self {
            bytes: chunk.bytes,
            offsets: chunk.header(),
            count: chunk.bytes.u32_at(8)?,
            start: usize::try_from(chunk.bytes.u32_at(20)?).ok()?,
            utf8: chunk.bytes.u32_at(16)? & UTF8 != 0,
        })
    }

    /// The string of this index, cut off behind `limit` code units. Strings may overlap, so a limit for each is what
    /// bounds them all. None if the pool has no such string or not all of its bytes.
    pub(super) fn get(&self, index: u32, limit: usize) -> Option<String> {
        if index >= self.count {
            return None;
        }
        let slot = usize::try_from(index).ok()?.checked_mul(4)?.checked_add(self.offsets)?;
        let at = usize::try_from(self.bytes.u32_at(slot)?).ok()?.checked_add(self.start)?;
        let text = self.bytes.get(at..)?;
        if self.utf8 { utf8(text, limit) } else { utf16(text, limit) }
    }
}

/// The length in characters, the length in bytes, the bytes. Each length has one byte, or two if its highest bit is set.
fn utf8(text: &[u8], limit: usize) -> Option<String> {
    let width = |at| Some(if text.u8_at(at)? & 0x80 == 0 { 1 } else { 2 });
    let at = width(0)?;
    let first = usize::from(text.u8_at(at)?);
    let (length, start) = match width(at)? {
        1 => (first, at + 1),
        _ => ((first & 0x7f) << 8 | usize::from(text.u8_at(at + 1)?), at + 2),
    };
    let bytes = text.slice_at(start, length)?;
    Some(String::from_utf8_lossy(&bytes[..length.min(limit)]).into_owned())
}

/// The length in code units, one or two of them long itself; the units.
fn utf16(text: &[u8], limit: usize) -> Option<String> {
    let first = usize::from(text.u16_at(0)?);
    let (length, start) =
        if first & 0x8000 == 0 { (first, 2) } else { ((first & 0x7fff) << 16 | usize::from(text.u16_at(2)?), 4) };
    let bytes = text.slice_at(start, length.checked_mul(2)?)?;
    let units = bytes.chunks_exact(2).take(limit).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}
