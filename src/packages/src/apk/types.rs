//! Types of a resource table: the values of all resources of one type for one configuration.

use super::chunk::Chunk;
use super::value::Raw;
use crate::bytes::LittleEndian;

const SPARSE: u8 = 1;
const SHORT_OFFSETS: u8 = 1 << 1;
const COMPLEX: u16 = 1;
const COMPACT: u16 = 1 << 3;
const ANY_DENSITY: u16 = 0xfffe;
const NO_DENSITY: u16 = 0xffff;
const DEFAULT_DENSITY: u16 = 160;

/// The values of one type for one configuration.
pub(super) struct Type<'a> {
    pub(super) package: u8,
    pub(super) id: u8,
    header: usize,
    bytes: &'a [u8],
}

/// For which devices a value is, as far as we choose by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    /// For all that nothing better fits.
    pub(super) default: bool,
    /// For every language.
    pub(super) any_language: bool,
    /// Dots per inch.
    pub(super) density: u16,
}

impl<'a> Type<'a> {
    /// The type in `chunk`, of a package of this identifier. None if the chunk is too short.
    pub(super) fn parse(package: u8, chunk: &Chunk<'a>) -> Option<Self> {
        Some(Self { package, id: chunk.bytes.u8_at(8)?, header: chunk.header(), bytes: chunk.bytes })
    }

    /// The value of an entry. None if this configuration has none, or it is a list of values.
    pub(super) fn value(&self, entry: u16) -> Option<Raw> {
        let start = usize::try_from(self.bytes.u32_at(16)?).ok()?;
        let at = start.checked_add(self.offset(entry)?)?;
        let flags = self.bytes.u16_at(at + 2)?;
        if flags & COMPACT != 0 {
            return Some(Raw { kind: flags.to_le_bytes()[1], data: self.bytes.u32_at(at + 4)? });
        }
        if flags & COMPLEX != 0 {
            return None;
        }
        let size = usize::from(self.bytes.u16_at(at)?);
        Raw::parse(self.bytes.slice_at(at + size, 8)?)
    }

    /// Where an entry begins, counted from the first one; None for an entry that this configuration does not have.
    fn offset(&self, entry: u16) -> Option<usize> {
        let count = usize::try_from(self.bytes.u32_at(12)?).ok()?;
        let flags = self.bytes.u8_at(9)?;
        let slot = |index: usize, width: usize| self.header.checked_add(index.checked_mul(width)?);
        if flags & SPARSE != 0 {
            return self.sparse_offset(entry, count);
        }
        let index = usize::from(entry);
        if index >= count {
            None
        } else if flags & SHORT_OFFSETS != 0 {
            let offset = self.bytes.u16_at(slot(index, 2)?)?;
            (offset != u16::MAX).then_some(usize::from(offset) * 4)
        } else {
            let offset = self.bytes.u32_at(slot(index, 4)?)?;
            if offset == u32::MAX { None } else { usize::try_from(offset).ok() }
        }
    }

    /// In a sparse type, pairs of an entry's index and its offset, sorted by index.
    fn sparse_offset(&self, entry: u16, count: usize) -> Option<usize> {
        let pairs = self.bytes.get(self.header..)?;
        let (mut low, mut high) = (0, count.min(pairs.len() / 4));
        while low < high {
            let middle = low.midpoint(high);
            let index = pairs.u16_at(middle * 4)?;
            if index == entry {
                return Some(usize::from(pairs.u16_at(middle * 4 + 2)?) * 4);
            }
            if index < entry { low = middle + 1 } else { high = middle }
        }
        None
    }

    /// What the values are for.
    pub(super) fn config(&self) -> Config {
        // Its own size comes first; the header ends behind it.
        let config = self.bytes.get(20..self.header).unwrap_or_default();
        let density = match config.u16_at(14).unwrap_or(0) {
            ANY_DENSITY => 0,
            0 | NO_DENSITY => DEFAULT_DENSITY,
            density => density,
        };
        Config {
            default: config.iter().skip(4).all(|byte| *byte == 0),
            any_language: config.u32_at(8).unwrap_or(0) == 0,
            density,
        }
    }
}
