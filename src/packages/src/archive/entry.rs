//! Reading one entry into memory.

use std::io::{Read, Seek};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::directory::{Entry, LOCAL_HEADER};
use super::{Archive, read_at};
use crate::PackageError;
use crate::bytes::LittleEndian;
use crate::meter::Meter;

const SIGNATURE: u32 = 0x0403_4b50;
const ENCRYPTED: u16 = 1;
/// Sizes and checksum follow the entry's bytes instead of standing before them.
const SIZES_FOLLOW: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const BLOCK: usize = 32 * 1024;

impl<R: Read + Seek> Archive<'_, R> {
    /// The unpacked bytes of an entry, which may be `limit` at most. `part` is its name in errors, `what` in the error
    /// about its size.
    pub(crate) fn read(
        &mut self,
        entry: &Entry,
        part: &'static str,
        what: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>, PackageError> {
        let broken = |reason: &str| PackageError::unparsable(part, reason);
        if entry.symlink {
            return Err(broken("it is a symbolic link"));
        }
        if entry.flags & ENCRYPTED != 0 {
            return Err(broken("it is encrypted"));
        }
        if u64::from(entry.unpacked.max(entry.packed)) > limit {
            return Err(PackageError::TooLarge { what, limit });
        }
        let start = self.start_of_bytes(entry, part)?;
        let (packed, unpacked) = (entry.packed as usize, entry.unpacked as usize);
        let bytes = match entry.method {
            STORED if packed == unpacked => {
                let mut bytes = vec![0; unpacked];
                self.read_raw(start, &mut bytes)?;
                bytes
            }
            STORED => return Err(broken("it is stored, and yet of two sizes")),
            DEFLATED => self.inflate(start, packed, unpacked, part)?,
            _ => return Err(broken("it is packed by a method that packages do not use")),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() == entry.crc { Ok(bytes) } else { Err(broken("its checksum is wrong")) }
    }

    /// Where an entry's bytes begin, after its own header was compared with the directory: installers differ in whom they
    /// believe.
    fn start_of_bytes(&mut self, entry: &Entry, part: &'static str) -> Result<u64, PackageError> {
        let mut header = vec![0; LOCAL_HEADER + entry.name.len()];
        self.read_raw(entry.offset.into(), &mut header)?;
        let agrees = || {
            let sizes = [header.u32_at(14)?, header.u32_at(18)?, header.u32_at(22)?];
            let expected = [entry.crc, entry.packed, entry.unpacked];
            let flags = header.u16_at(6)?;
            // Whether sizes follow, the header alone decides for Android: some packagers say so in one of the two places.
            // What stands here instead of them is nobody's business.
            let follow = flags & SIZES_FOLLOW != 0;
            let agrees = header.u32_at(0)? == SIGNATURE
                && flags & ENCRYPTED == entry.flags & ENCRYPTED
                && header.u16_at(8)? == entry.method
                && (follow || sizes == expected)
                && usize::from(header.u16_at(26)?) == entry.name.len()
                && header.get(LOCAL_HEADER..)? == self.directory.name(entry);
            Some((agrees, header.u16_at(28)?))
        };
        let (agrees, extra) = agrees().unwrap_or_default();
        if !agrees {
            return Err(PackageError::unparsable(part, "its header contradicts the archive's directory"));
        }
        let start = u64::from(entry.offset) + header.len() as u64 + u64::from(extra);
        if start + u64::from(entry.packed) > self.directory_start() {
            return Err(PackageError::unparsable(part, "it reaches into the archive's directory"));
        }
        Ok(start)
    }

    fn inflate(
        &mut self,
        start: u64,
        packed: usize,
        unpacked: usize,
        part: &'static str,
    ) -> Result<Vec<u8>, PackageError> {
        let mut inflater = Inflater::new(unpacked, self.meter);
        let mut block = vec![0; BLOCK.min(packed)];
        let mut at = 0;
        while at < packed {
            let length = BLOCK.min(packed - at);
            read_at(&mut self.file, start + at as u64, &mut block[..length])?;
            at += length;
            inflater.feed(&block[..length])?;
        }
        inflater.finish().ok_or_else(|| PackageError::unparsable(part, "what unpacks is not what was announced"))
    }
}

/// Unpacks to exactly the size that was announced, which the caller has found small enough.
struct Inflater<'a> {
    state: Decompress,
    unpacked: Vec<u8>,
    expected: usize,
    ended: bool,
    sound: bool,
    meter: &'a Meter<'a>,
}

impl<'a> Inflater<'a> {
    fn new(expected: usize, meter: &'a Meter<'a>) -> Self {
        // One byte more, so that there is room to see that too much comes.
        let unpacked = Vec::with_capacity(expected + 1);
        Self { state: Decompress::new(false), unpacked, expected, ended: false, sound: true, meter }
    }

    fn feed(&mut self, mut packed: &[u8]) -> Result<(), PackageError> {
        while !packed.is_empty() && !self.ended && self.sound {
            let (before_in, before_out) = (self.state.total_in(), self.unpacked.len());
            let status = self.state.decompress_vec(packed, &mut self.unpacked, FlushDecompress::None);
            let taken = usize::try_from(self.state.total_in() - before_in).unwrap_or(packed.len());
            let given = self.unpacked.len() - before_out;
            packed = packed.get(taken..).unwrap_or_default();
            self.ended = matches!(status, Ok(Status::StreamEnd));
            let stuck = taken == 0 && given == 0;
            self.sound = status.is_ok() && self.unpacked.len() <= self.expected && (self.ended || !stuck);
            self.meter.bytes(taken + given)?;
        }
        Ok(())
    }

    fn finish(self) -> Option<Vec<u8>> {
        (self.sound && self.ended && self.unpacked.len() == self.expected).then_some(self.unpacked)
    }
}
