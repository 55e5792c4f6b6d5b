//! Builders of packages, honest unless told otherwise.

pub(crate) mod apk;
pub(crate) mod arsc;
pub(crate) mod axml;
pub(crate) mod images;
pub(crate) mod zip;

/// Bytes of a chunk of Android's: its kind, the header after kind and sizes, and what it holds.
fn chunk(kind: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let header_size = 8 + header.len();
    let mut chunk = Vec::new();
    chunk.extend(kind.to_le_bytes());
    chunk.extend(u16::try_from(header_size).unwrap().to_le_bytes());
    chunk.extend(u32::try_from(header_size + body.len()).unwrap().to_le_bytes());
    chunk.extend(header);
    chunk.extend(body);
    chunk
}

/// Strings of a pool, each once.
#[derive(Default)]
pub(crate) struct Pool {
    strings: Vec<String>,
    /// Whether the pool is written in UTF-8 and not in UTF-16.
    pub(crate) utf8: bool,
}

impl Pool {
    pub(crate) fn index(&mut self, text: &str) -> u32 {
        let index = self.strings.iter().position(|found| found == text).unwrap_or_else(|| {
            self.strings.push(text.to_owned());
            self.strings.len() - 1
        });
        u32::try_from(index).unwrap()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let (mut offsets, mut data) = (Vec::new(), Vec::new());
        for text in &self.strings {
            offsets.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            if self.utf8 {
                for length in [text.chars().count(), text.len()] {
                    if length > 0x7f {
                        data.push(0x80 | u8::try_from(length >> 8).unwrap());
                    }
                    data.push(length.to_le_bytes()[0]);
                }
                data.extend(text.as_bytes());
                data.push(0);
            } else {
                let units: Vec<u16> = text.encode_utf16().collect();
                data.extend(u16::try_from(units.len()).unwrap().to_le_bytes());
                data.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
                data.extend([0, 0]);
            }
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let start = u32::try_from(28 + offsets.len()).unwrap();
        let count = u32::try_from(self.strings.len()).unwrap();
        let flags = if self.utf8 { 1u32 << 8 } else { 0 };
        let header = [count, 0, flags, start, 0].map(u32::to_le_bytes).concat();
        chunk(0x0001, &header, &[offsets, data].concat())
    }
}

/// A typed value: its size, its kind, its four bytes.
fn typed(kind: u8, data: u32) -> [u8; 8] {
    let mut value = [8, 0, 0, kind, 0, 0, 0, 0];
    value[4..].copy_from_slice(&data.to_le_bytes());
    value
}

pub(crate) const REFERENCE: u8 = 0x01;
pub(crate) const STRING: u8 = 0x03;
pub(crate) const INTEGER: u8 = 0x10;
pub(crate) const BOOLEAN: u8 = 0x12;
