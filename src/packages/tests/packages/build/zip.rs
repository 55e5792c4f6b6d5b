//! Zip archives in which every field may be a lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// An archive under construction.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) entries: Vec<Entry>,
    /// What stands before the directory, an APK's signing block.
    pub(crate) block: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    /// What the end says instead of the number of entries.
    pub(crate) count: Option<u16>,
}

/// An entry: its fields as they will be written.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) unpacked: u32,
    /// Unix mode.
    pub(crate) mode: u32,
    /// The unpacked size in the entry's own header, if that differs.
    pub(crate) local_unpacked: Option<u32>,
    /// The flags in the entry's own header, if those differ.
    pub(crate) local_flags: Option<u16>,
    /// Where the directory says that the entry is, if not where it is.
    pub(crate) offset: Option<u32>,
    /// The bytes in the archive.
    pub(crate) bytes: Vec<u8>,
}

impl Entry {
    pub(crate) fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let size = u32::try_from(bytes.len()).unwrap();
        Self {
            name: name.into(),
            method: 0,
            flags: 0,
            crc: crc.sum(),
            packed: size,
            unpacked: size,
            mode: 0o100_644,
            local_unpacked: None,
            local_flags: None,
            offset: None,
            bytes: bytes.to_vec(),
        }
    }

    pub(crate) fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let size = u32::try_from(packed.len()).unwrap();
        Self { method: 8, packed: size, bytes: packed, ..Self::stored(name, bytes) }
    }

    fn local(&self) -> Vec<u8> {
        let mut header = b"PK\x03\x04\x14\0".to_vec();
        header.extend(self.local_flags.unwrap_or(self.flags).to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend([0; 4]);
        for number in [self.crc, self.packed, self.local_unpacked.unwrap_or(self.unpacked)] {
            header.extend(number.to_le_bytes());
        }
        header.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        header.extend([0; 2]);
        [header, self.name.clone(), self.bytes.clone()].concat()
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let mut header = b"PK\x01\x02\x14\x03\x14\0".to_vec();
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend([0; 4]);
        for number in [self.crc, self.packed, self.unpacked] {
            header.extend(number.to_le_bytes());
        }
        header.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        header.extend([0; 8]);
        header.extend((self.mode << 16).to_le_bytes());
        header.extend(self.offset.unwrap_or(offset).to_le_bytes());
        [header, self.name.clone()].concat()
    }
}

impl Zip {
    pub(crate) fn with(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// The entry of this name.
    pub(crate) fn entry(&mut self, name: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.name == name.as_bytes()).unwrap()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let (entries, rest) = self.write_around(0);
        [entries, rest].concat()
    }

    /// The archive in two parts, between which `hole` bytes belong to the last entry.
    pub(crate) fn write_around(&self, hole: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut entries, mut directory) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            directory.extend(entry.central(u32::try_from(entries.len()).unwrap()));
            entries.extend(entry.local());
        }
        let end = self.end(entries.len() + hole + self.block.len(), directory.len());
        (entries, [self.block.clone(), directory, end].concat())
    }

    /// The record at the end, for a directory of this place and length.
    pub(crate) fn end(&self, start: usize, length: usize) -> Vec<u8> {
        #[expect(clippy::cast_possible_truncation, reason = "as archives of too many entries have it")]
        let count = self.count.unwrap_or(self.entries.len() as u16).to_le_bytes();
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([count, count].concat());
        end.extend(u32::try_from(length).unwrap().to_le_bytes());
        end.extend(u32::try_from(start).unwrap().to_le_bytes());
        end.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        end.extend(&self.comment);
        end
    }
}

/// An APK's signing block of these pairs of scheme and signature.
pub(crate) fn signing_block(pairs: &[(u32, &[u8])]) -> Vec<u8> {
    let mut content = Vec::new();
    for (scheme, signature) in pairs {
        content.extend((signature.len() as u64 + 4).to_le_bytes());
        content.extend(scheme.to_le_bytes());
        content.extend(*signature);
    }
    let size = (content.len() as u64 + 24).to_le_bytes();
    [&size[..], &content, &size, b"APK Sig Block 42"].concat()
}
