//! What a field may hold, where its type does not say it. The schemas say the same, and a test compares the two.

use std::ops::RangeInclusive;

use crate::InvalidMessage;

/// Identities are counted upwards by a database.
pub(crate) const IDS: RangeInclusive<i64> = 0..=i64::MAX;
/// Attempts are counted from 1.
pub(crate) const ATTEMPTS: RangeInclusive<i64> = 1..=i16::MAX as i64;
/// Amounts of which there is at least one.
pub(crate) const AMOUNTS: RangeInclusive<i64> = 1..=i64::MAX;

/// Time that is left, in seconds, and anything else of which there may be none.
pub(crate) const TIMES: RangeInclusive<i64> = 0..=i64::MAX;
/// The longest code and the longest version a device may report, in characters.
pub(crate) const CODE_MAX_CHARS: usize = 64;
/// The longest message a device may report, in characters.
pub(crate) const MESSAGE_MAX_CHARS: usize = 1024;
/// The longest name of an application, a package or their version, in characters.
pub(crate) const NAME_MAX_CHARS: usize = 256;
/// The length of a SHA-256 in hexadecimal digits.
pub(crate) const SHA256_DIGITS: usize = 64;
/// The length of an MD5 in hexadecimal digits.
pub(crate) const MD5_DIGITS: usize = 32;

/// A number in its range.
pub(crate) fn within(
    field: &'static str,
    found: impl Into<i64>,
    allowed: RangeInclusive<i64>,
) -> Result<(), InvalidMessage> {
    let found = found.into();
    if allowed.contains(&found) { Ok(()) } else { Err(InvalidMessage::OutOfRange { field, found, allowed }) }
}

/// A text that Postgres can hold, of so many characters at the most.
pub(crate) fn short_text(field: &'static str, text: Option<&str>, max: usize) -> Result<(), InvalidMessage> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > max {
        Err(InvalidMessage::TooLong { field, max })
    } else if text.contains('\0') {
        // Postgres text cannot hold it, and one bad row would fail its whole batch.
        Err(InvalidMessage::Nul { field })
    } else {
        Ok(())
    }
}

/// A list of so many entries at the most.
pub(crate) fn at_most(field: &'static str, found: usize, max: usize) -> Result<(), InvalidMessage> {
    if found <= max { Ok(()) } else { Err(InvalidMessage::TooMany { field, found, max }) }
}

/// A hash in lower-case hexadecimal digits.
pub(crate) fn hash(field: &'static str, text: &str, digits: usize) -> Result<(), InvalidMessage> {
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let fits = text.len() == digits && text.bytes().all(lower_hex);
    if fits { Ok(()) } else { Err(InvalidMessage::Hash { field, digits }) }
}
