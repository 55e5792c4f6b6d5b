//! Binary property lists.

use chrono::{DateTime, TimeDelta};

use super::{Budget, Value};
use crate::PackageError;

pub(super) const MAGIC: &[u8] = b"bplist00";
const TRAILER: usize = 32;
/// Seconds from 1970 to 2001, when Apple's time begins.
const APPLE_EPOCH: i64 = 978_307_200;

/// Reads a list. No object is looked at before something refers to it.
pub(super) fn parse(bytes: &[u8], budget: Budget<'_>) -> Result<Value, PackageError> {
    let broken = budget.broken("its end is broken");
    let mut list = List::open(bytes, budget).ok_or(broken)?;
    list.value(list.root)
}

struct List<'a> {
    /// The list without its trailer.
    bytes: &'a [u8],
    offsets: &'a [u8],
    offset_size: usize,
    reference_size: usize,
    root: u64,
    budget: Budget<'a>,
}

impl<'a> List<'a> {
    fn open(bytes: &'a [u8], budget: Budget<'a>) -> Option<Self> {
        let (bytes, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER)?)?;
        let (offset_size, reference_size) = (usize::from(trailer[6]), usize::from(trailer[7]));
        let sizes = 1..=8;
        if !sizes.contains(&offset_size) || !sizes.contains(&reference_size) {
            return None;
        }
        let count = usize::try_from(unsigned(&trailer[8..16])?).ok()?;
        let table = usize::try_from(unsigned(&trailer[24..32])?).ok()?;
        let offsets = bytes.get(table..table.checked_add(count.checked_mul(offset_size)?)?)?;
        Some(Self { bytes, offsets, offset_size, reference_size, root: unsigned(&trailer[16..24])?, budget })
    }

    fn broken(&self) -> PackageError {
        self.budget.broken("an object is broken")
    }

    /// The object of this number.
    fn value(&mut self, number: u64) -> Result<Value, PackageError> {
        self.budget.value()?;
        let (kind, size, content) = self.object(number).ok_or_else(|| self.broken())?;
        let counted = |width: usize| {
            let (count, start) = counted(size, content)?;
            content.get(start..start.checked_add(count.checked_mul(width)?)?)
        };
        let short = |length: u32| content.get(..1usize.checked_shl(length)?);
        Ok(match kind {
            0x0 if matches!(size, 8 | 9) => Value::Boolean(size == 9),
            0x1 if size <= 4 => {
                let number = short(size.into()).and_then(signed).ok_or_else(|| self.broken())?;
                i64::try_from(number).map_or(Value::Other, Value::Integer)
            }
            0x2 if matches!(size, 2 | 3) => {
                Value::Real(short(size.into()).and_then(real).ok_or_else(|| self.broken())?)
            }
            0x3 => short(3).and_then(real).and_then(date).map_or(Value::Other, Value::Date),
            0x5 => self.text(counted(1), |bytes| String::from_utf8_lossy(bytes).into_owned())?,
            0x6 => self.text(counted(2), utf16)?,
            0xa => {
                let references = counted(self.reference_size).ok_or_else(|| self.broken())?;
                self.array(references)?
            }
            0xd => {
                let references = counted(2 * self.reference_size).ok_or_else(|| self.broken())?;
                self.dictionary(references)?
            }
            _ => Value::Other,
        })
    }

    /// The kind of an object, the half byte beside it, and all that follows.
    fn object(&self, number: u64) -> Option<(u8, u8, &'a [u8])> {
        let slot = usize::try_from(number).ok()?.checked_mul(self.offset_size)?;
        let offset = unsigned(self.offsets.get(slot..slot.checked_add(self.offset_size)?)?)?;
        let (marker, content) = self.bytes.get(usize::try_from(offset).ok()?..)?.split_first()?;
        Some((marker >> 4, marker & 0x0f, content))
    }

    fn text(&mut self, bytes: Option<&[u8]>, decode: fn(&[u8]) -> String) -> Result<Value, PackageError> {
        let bytes = bytes.ok_or_else(|| self.broken())?;
        self.budget.text(bytes.len())?;
        Ok(Value::String(decode(bytes)))
    }

    fn array(&mut self, references: &[u8]) -> Result<Value, PackageError> {
        self.budget.enter()?;
        let mut values = Vec::new();
        for reference in references.chunks_exact(self.reference_size) {
            let number = unsigned(reference).ok_or_else(|| self.broken())?;
            values.push(self.value(number)?);
        }
        self.budget.leave();
        Ok(Value::Array(values))
    }

    /// First all keys, then all values.
    fn dictionary(&mut self, references: &[u8]) -> Result<Value, PackageError> {
        self.budget.enter()?;
        let (keys, values) = references.split_at(references.len() / 2);
        let mut pairs = Vec::new();
        for (key, value) in keys.chunks_exact(self.reference_size).zip(values.chunks_exact(self.reference_size)) {
            let (Some(key), Some(value)) = (unsigned(key), unsigned(value)) else { return Err(self.broken()) };
            let Value::String(key) = self.value(key)? else { return Err(self.broken()) };
            pairs.push((key, self.value(value)?));
        }
        self.budget.leave();
        Ok(Value::Dictionary(pairs))
    }
}

/// How many elements an object has, and where they begin: the half byte says it, or an integer behind the marker.
fn counted(size: u8, content: &[u8]) -> Option<(usize, usize)> {
    if size != 0x0f {
        return Some((size.into(), 0));
    }
    let marker = content.first().filter(|marker| **marker >> 4 == 1)?;
    let end = 1 + 1usize.checked_shl(u32::from(marker & 0x0f)).filter(|width| *width <= 8)?;
    Some((usize::try_from(unsigned(content.get(1..end)?)?).ok()?, end))
}

/// A number of up to eight bytes, the highest first.
fn unsigned(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Integers of eight and sixteen bytes have a sign, shorter ones have none.
fn signed(bytes: &[u8]) -> Option<i128> {
    match bytes.len() {
        8 => Some(i64::from_be_bytes(bytes.try_into().ok()?).into()),
        16 => Some(i128::from_be_bytes(bytes.try_into().ok()?)),
        _ => unsigned(bytes).map(i128::from),
    }
}

fn real(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        8 => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

fn date(seconds: f64) -> Option<DateTime<chrono::Utc>> {
    // Far beyond the dates that there are; the conversion would round, not fail.
    let milliseconds = Some(seconds * 1000.0).filter(|milliseconds| milliseconds.abs() < 1e15)?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded above, and parts of a millisecond do not count")]
    let since = TimeDelta::try_milliseconds(milliseconds as i64)?;
    DateTime::from_timestamp(APPLE_EPOCH, 0)?.checked_add_signed(since)
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
