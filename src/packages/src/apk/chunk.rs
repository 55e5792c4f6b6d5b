//! Chunks, of which Android's binary files are made: a kind, two sizes, and what they hold.

use crate::bytes::LittleEndian;

/// Kinds of chunks, as in Android's `ResourceTypes.h`.
pub(super) const STRING_POOL: u16 = 0x0001;
pub(super) const TABLE: u16 = 0x0002;
pub(super) const XML: u16 = 0x0003;
pub(super) const XML_START: u16 = 0x0102;
pub(super) const XML_END: u16 = 0x0103;
pub(super) const XML_RESOURCE_IDS: u16 = 0x0180;
pub(super) const TABLE_PACKAGE: u16 = 0x0200;
pub(super) const TABLE_TYPE: u16 = 0x0201;

const HEADER: usize = 8;

/// A chunk whose sizes fit into each other and into what holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u16,
    header: usize,
    /// The whole chunk, its header included: offsets in it count from there.
    pub(super) bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The chunk at the beginning of `bytes`.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = usize::from(bytes.u16_at(2)?);
        let size = usize::try_from(bytes.u32_at(4)?).ok()?;
        let fits = (HEADER..=size).contains(&header);
        Some(Self { kind: bytes.u16_at(0)?, header, bytes: bytes.get(..size).filter(|_| fits)? })
    }

    /// What follows the chunk's header, often further chunks.
    pub(super) fn body(&self) -> &'a [u8] {
        self.bytes.get(self.header..).unwrap_or_default()
    }

    /// Where the body begins.
    pub(super) fn header(&self) -> usize {
        self.header
    }
}

/// The chunks in `bytes`, one behind the other. A broken one is the last and comes as an error; each is at least eight
/// bytes long, so there is an end.
pub(super) struct Chunks<'a>(&'a [u8]);

/// A chunk whose sizes cannot be.
#[derive(Debug)]
pub(super) struct BrokenChunk;

impl<'a> Chunks<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, BrokenChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let chunk = Chunk::parse(self.0);
        self.0 = chunk.and_then(|chunk| self.0.get(chunk.bytes.len()..)).unwrap_or_default();
        Some(chunk.ok_or(BrokenChunk))
    }
}
