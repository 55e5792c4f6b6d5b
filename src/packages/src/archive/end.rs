//! The record at the end of a zip archive, which says where its directory is.

use std::io::{Read, Seek, SeekFrom};

use super::{broken, read_at};
use crate::PackageError;
use crate::bytes::LittleEndian;

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const SIGNATURE: &[u8] = b"PK\x05\x06";
const LENGTH: usize = 22;
/// The record, and the longest comment that its two bytes can announce.
const MAX_TAIL: u64 = LENGTH as u64 + 0xffff;

/// Where the directory is.
#[derive(Debug)]
pub(super) struct End {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) entries: usize,
}

/// Finds the directory. The archive must begin with an entry: what stands before the first one of a forged package is
/// another program's file.
pub(super) fn find<R: Read + Seek>(file: &mut R) -> Result<End, PackageError> {
    let file_length = file.seek(SeekFrom::End(0)).map_err(PackageError::Io)?;
    let mut first = [0; 4];
    if file_length < LENGTH as u64 + 4 {
        return Err(PackageError::NotAPackage { reason: "it is too short for a zip archive" });
    }
    read_at(file, 0, &mut first)?;
    if first != *LOCAL_HEADER {
        return Err(PackageError::NotAPackage { reason: "it is no zip archive" });
    }
    let tail_length = file_length.min(MAX_TAIL);
    // At most 64 KiB and a bit, see MAX_TAIL.
    let mut tail = vec![0; usize::try_from(tail_length).unwrap_or(LENGTH)];
    read_at(file, file_length - tail_length, &mut tail)?;
    let at = tail
        .windows(SIGNATURE.len())
        .rposition(|window| window == SIGNATURE)
        .ok_or_else(|| broken("its end is missing, it may have been cut off"))?;
    let end = parse(&tail[at..]).ok_or_else(|| broken("the record at its end is not whole, or not at its end"))??;
    // A signature covers the directory and this record, but not what would stand between them.
    if end.start + end.length != file_length - tail_length + at as u64 {
        return Err(broken("its directory is not where its end says"));
    }
    Ok(end)
}

/// None if the record is incomplete or its comment does not reach to the end of the file.
fn parse(record: &[u8]) -> Option<Result<End, PackageError>> {
    let disks = (record.u16_at(4)?, record.u16_at(6)?);
    let entries = (record.u16_at(8)?, record.u16_at(10)?);
    let (length, start) = (record.u32_at(12)?, record.u32_at(16)?);
    if record.len() != LENGTH + usize::from(record.u16_at(20)?) {
        return None;
    }
    if start == u32::MAX || length == u32::MAX {
        return Some(Err(broken("it is a zip64 archive")));
    }
    if disks != (0, 0) || entries.0 != entries.1 {
        return Some(Err(broken("it is one of several volumes")));
    }
    Some(Ok(End { start: start.into(), length: length.into(), entries: entries.0.into() }))
}
