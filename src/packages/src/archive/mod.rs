//! The zip archive around both kinds of packages.
//!
//! The directory is read once, checked, and sorted by name; entries are then read one by one, by name, into memory.
//! Nothing is ever unpacked to a disk, so a name is nothing but a name. The zip crate is not used because it keeps a
//! record of some hundred bytes for every entry before anyone can count them, and lets the last of two entries of the
//! same name win without a word.

mod directory;
mod end;
mod entry;
mod name;

use std::io::{Read, Seek, SeekFrom};

pub(crate) use directory::Entry;

use crate::meter::Meter;
use crate::{Limits, PackageError};
use directory::Directory;

/// The part that an error about the archive itself names.
const PART: &str = "the zip archive";

fn broken(reason: impl Into<String>) -> PackageError {
    PackageError::unparsable(PART, reason)
}

/// An archive whose directory was read and found sound.
pub(crate) struct Archive<'a, R> {
    file: R,
    directory: Directory,
    limits: &'a Limits,
    meter: &'a Meter<'a>,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    /// Reads the archive's directory.
    pub(crate) fn open(mut file: R, limits: &'a Limits, meter: &'a Meter<'a>) -> Result<Self, PackageError> {
        let end = end::find(&mut file)?;
        let directory = Directory::read(&mut file, &end, limits, meter)?;
        Ok(Self { file, directory, limits, meter })
    }

    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    pub(crate) fn meter(&self) -> &'a Meter<'a> {
        self.meter
    }

    /// Where the directory begins, and the last entry's bytes have ended.
    pub(crate) fn directory_start(&self) -> u64 {
        self.directory.start()
    }

    /// The entry of this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Entry> {
        self.directory.find(name)
    }

    /// The names that begin with `prefix`, in their order.
    pub(crate) fn names(&self, prefix: &[u8]) -> impl Iterator<Item = &[u8]> {
        self.directory.names(prefix)
    }

    /// Bytes of the file outside of any entry.
    pub(crate) fn read_raw(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), PackageError> {
        read_at(&mut self.file, at, buffer)?;
        self.meter.bytes(buffer.len())
    }
}

fn read_at<R: Read + Seek>(file: &mut R, at: u64, buffer: &mut [u8]) -> Result<(), PackageError> {
    file.seek(SeekFrom::Start(at)).map_err(PackageError::Io)?;
    file.read_exact(buffer).map_err(PackageError::Io)
}
