//! The directory of a zip archive: every entry's name, and where its bytes are.

use std::io::{Read, Seek};
use std::ops::Range;

use super::end::End;
use super::{broken, name, read_at};
use crate::bytes::LittleEndian;
use crate::meter::Meter;
use crate::{Limits, PackageError};

const SIGNATURE: u32 = 0x0201_4b50;
const HEADER: usize = 46;
/// The fixed part of what stands before each entry's bytes.
pub(super) const LOCAL_HEADER: usize = 30;
/// Who made the entry: a system whose file modes are Unix' ones.
const UNIX: u16 = 3;
const FILE_TYPE: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;

/// The entries, sorted by name, over the directory's bytes as they are in the file.
pub(super) struct Directory {
    bytes: Vec<u8>,
    start: u64,
    entries: Vec<Entry>,
}

/// What the directory says about an entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(super) name: Range<usize>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) unpacked: u32,
    pub(super) offset: u32,
    pub(super) symlink: bool,
}

impl Directory {
    pub(super) fn read<R: Read + Seek>(
        file: &mut R,
        end: &End,
        limits: &Limits,
        meter: &Meter<'_>,
    ) -> Result<Self, PackageError> {
        let too_large = |what, limit| Err(PackageError::TooLarge { what, limit });
        if end.length > limits.max_directory_bytes {
            return too_large("bytes of the archive's directory", limits.max_directory_bytes);
        }
        if end.entries > limits.max_entries {
            return too_large("entries of the archive", limits.max_entries as u64);
        }
        let mut bytes = vec![0; usize::try_from(end.length).map_err(|_| broken("its directory is too large"))?];
        read_at(file, end.start, &mut bytes)?;
        meter.bytes(bytes.len())?;

        let mut entries = Vec::with_capacity(end.entries.min(bytes.len() / HEADER));
        let mut at = 0;
        while at < bytes.len() {
            // The count at the end has two bytes only: of a million entries it shows the rest of a division.
            if entries.len() == end.entries {
                return Err(broken("its directory has more entries than it says"));
            }
            let (entry, next) = parse(&bytes, at).ok_or_else(|| broken("its directory is broken"))?;
            name::check(&bytes[entry.name.clone()])?;
            entries.push(entry);
            at = next;
            meter.step()?;
        }
        if entries.len() != end.entries {
            return Err(broken("its directory has fewer entries than it says"));
        }
        check_overlaps(&mut entries, end.start)?;
        entries.sort_unstable_by(|a, b| bytes[a.name.clone()].cmp(&bytes[b.name.clone()]));
        let twice = entries.windows(2).find(|pair| bytes[pair[0].name.clone()] == bytes[pair[1].name.clone()]);
        if let Some([entry, _]) = twice {
            return Err(broken(format!("the entry {} is there twice", name::show(&bytes[entry.name.clone()]))));
        }
        Ok(Self { bytes, start: end.start, entries })
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.name.clone()).unwrap_or_default()
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Entry> {
        let index = self.entries.binary_search_by(|entry| self.name(entry).cmp(name)).ok()?;
        self.entries.get(index).cloned()
    }

    pub(super) fn names(&self, prefix: &[u8]) -> impl Iterator<Item = &[u8]> {
        let first = self.entries.partition_point(|entry| self.name(entry) < prefix);
        self.entries.iter().skip(first).map(|entry| self.name(entry)).take_while(move |name| name.starts_with(prefix))
    }
}

/// The entry at `at`, and where the next one begins.
fn parse(directory: &[u8], at: usize) -> Option<(Entry, usize)> {
    let header = directory.slice_at(at, HEADER)?;
    if header.u32_at(0)? != SIGNATURE {
        return None;
    }
    let lengths = [header.u16_at(28)?, header.u16_at(30)?, header.u16_at(32)?].map(usize::from);
    let name = at + HEADER..at + HEADER + lengths[0];
    let next = name.end + lengths[1] + lengths[2];
    if next > directory.len() {
        return None;
    }
    let mode = header.u32_at(38)? >> 16;
    let entry = Entry {
        name,
        flags: header.u16_at(8)?,
        method: header.u16_at(10)?,
        crc: header.u32_at(16)?,
        packed: header.u32_at(20)?,
        unpacked: header.u32_at(24)?,
        offset: header.u32_at(42)?,
        symlink: header.u16_at(4)? >> 8 == UNIX && mode & FILE_TYPE == SYMLINK,
    };
    Some((entry, next))
}

/// Entries that share their bytes are how a small archive unpacks to a huge one.
fn check_overlaps(entries: &mut [Entry], directory_start: u64) -> Result<(), PackageError> {
    entries.sort_unstable_by_key(|entry| entry.offset);
    let mut free = 0;
    for entry in entries.iter() {
        let offset = u64::from(entry.offset);
        if offset < free {
            return Err(broken("its entries overlap"));
        }
        free = offset + (LOCAL_HEADER + entry.name.len()) as u64 + u64::from(entry.packed);
    }
    if free > directory_start { Err(broken("an entry reaches behind its end")) } else { Ok(()) }
}
