//! Typed values: of attributes in binary XML, and of entries in a resource table.

use std::fmt;

use super::strings::Strings;
use crate::bytes::LittleEndian;

const REFERENCE: u8 = 0x01;
const STRING: u8 = 0x03;
const FLOAT: u8 = 0x04;
const DYNAMIC_REFERENCE: u8 = 0x07;
const BOOLEAN: u8 = 0x12;
const INTEGERS: std::ops::RangeInclusive<u8> = 0x10..=0x1f;

/// Code units of a string that are read. Longer than anything that is let through, so that what is too long shows.
pub(super) const MAX_TEXT: usize = 4096;

/// A value, as far as manifests use them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// The identifier of a resource: package, type, entry.
    Reference(u32),
    Integer(u32),
    Boolean(bool),
    Float(f32),
}

impl Value {
    /// The value that `raw` stands for; None for kinds that nobody here asks for, such as dimensions.
    pub(super) fn of(raw: Raw, strings: &Strings<'_>) -> Option<Self> {
        let Raw { kind, data } = raw;
        match kind {
            STRING => strings.get(data, MAX_TEXT).map(Self::Text),
            REFERENCE | DYNAMIC_REFERENCE => Some(Self::Reference(data)),
            FLOAT => Some(Self::Float(f32::from_bits(data))),
            BOOLEAN => Some(Self::Boolean(data != 0)),
            kind if INTEGERS.contains(&kind) => Some(Self::Integer(data)),
            _ => None,
        }
    }
}

/// A value as it is written: a kind, and four bytes. A string is not looked up yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    pub(super) kind: u8,
    pub(super) data: u32,
}

impl Raw {
    /// The value in eight bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self { kind: bytes.u8_at(3)?, data: bytes.u32_at(4)? })
    }
}

/// As a manifest would write it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Reference(id) => write!(f, "@0x{id:08x}"),
            Self::Integer(number) => write!(f, "{}", number.cast_signed()),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Float(number) => write!(f, "{number}"),
        }
    }
}
