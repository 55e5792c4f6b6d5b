//! Apple's property lists, as XML and binary.
//!
//! Both become one small tree, whose values, texts and depth are counted while it grows. A binary list refers to its
//! objects by number, and may refer to one of them from a million places: what a reader of the whole list unfolds to
//! gigabytes comes to an end here.

mod binary;
mod xml;

use chrono::{DateTime, Utc};

use crate::meter::Meter;
use crate::{Limits, PackageError};

/// A value of a property list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Date(DateTime<Utc>),
    Array(Vec<Value>),
    /// Keys may come twice; the first one counts.
    Dictionary(Vec<(String, Value)>),
    /// Data and what else nobody here asks for. What it holds was left out.
    Other,
}

/// Reads the list in `bytes`; `part` is its name in errors.
pub(crate) fn parse(
    bytes: &[u8],
    part: &'static str,
    limits: &Limits,
    meter: &Meter<'_>,
) -> Result<Value, PackageError> {
    // A list is no longer than a manifest may be, so what it says once always fits.
    let text = usize::try_from(limits.max_manifest_bytes).unwrap_or(usize::MAX);
    let budget = Budget { part, values: limits.max_values, depth: limits.max_depth, text, meter };
    if bytes.starts_with(binary::MAGIC) { binary::parse(bytes, budget) } else { xml::parse(bytes, budget) }
}

/// What a list may still have.
struct Budget<'a> {
    part: &'static str,
    values: usize,
    depth: usize,
    /// Bytes of text. A binary list writes what is alike once and refers to it from many places, such as the keys of
    /// dictionaries that are alike, so this may be more than the list has.
    text: usize,
    meter: &'a Meter<'a>,
}

impl Budget<'_> {
    fn broken(&self, reason: &str) -> PackageError {
        PackageError::unparsable(self.part, reason)
    }

    /// Another value.
    fn value(&mut self) -> Result<(), PackageError> {
        self.meter.step()?;
        self.values = self.values.checked_sub(1).ok_or_else(|| self.broken("it has too many values"))?;
        Ok(())
    }

    /// So many further bytes of text.
    fn text(&mut self, bytes: usize) -> Result<(), PackageError> {
        self.meter.bytes(bytes)?;
        self.text = self.text.checked_sub(bytes).ok_or_else(|| self.broken("it repeats its texts"))?;
        Ok(())
    }

    /// An array or dictionary begins; [`leave`](Self::leave) when it ends.
    fn enter(&mut self) -> Result<(), PackageError> {
        self.depth =
            self.depth.checked_sub(1).ok_or_else(|| self.broken("its values are too deep inside of each other"))?;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth += 1;
    }
}

impl Value {
    /// The value of a key, if this is a dictionary that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.pairs().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The keys and values of a dictionary.
    pub(crate) fn pairs(&self) -> &[(String, Value)] {
        match self {
            Self::Dictionary(pairs) => pairs,
            _ => &[],
        }
    }

    /// The values of an array.
    pub(crate) fn values(&self) -> &[Value] {
        match self {
            Self::Array(values) => values,
            _ => &[],
        }
    }

    /// A string.
    pub(crate) fn string(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A string, number or boolean, as text.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        }
    }
}
