//! What a packager leaves in a manifest, by which a wrapped or built-in application is known.

use std::{fmt, str::FromStr};

/// An entry of a manifest: a name, or a name and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    name: String,
    value: Option<String>,
}

/// Not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name, or a name and a value with `=` between them")]
pub struct InvalidManifestEntry;

impl ManifestEntry {
    /// An entry.
    pub fn new(name: &str, value: Option<&str>) -> Self {
        Self { name: name.to_owned(), value: value.map(str::to_owned) }
    }

    /// Whether it is among the entries of a manifest.
    pub(super) fn is_among(&self, entries: &[(String, String)]) -> bool {
        entries.iter().any(|(name, value)| *name == self.name && self.value.as_ref().is_none_or(|own| own == value))
    }
}

impl FromStr for ManifestEntry {
    type Err = InvalidManifestEntry;

    fn from_str(text: &str) -> Result<Self, InvalidManifestEntry> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        if name.trim().is_empty() {
            Err(InvalidManifestEntry)
        } else {
            Ok(Self::new(name.trim(), value.map(str::trim)))
        }
    }
}

impl fmt::Display for ManifestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_name_and_its_value() {
        let entries = [("kind".to_owned(), "wrapped".to_owned()), ("empty".to_owned(), String::new())];
        for (text, found) in
            [("kind", true), ("kind=wrapped", true), ("kind=plain", false), ("kin", false), ("empty=", true)]
        {
            let entry: ManifestEntry = text.parse().unwrap();
            assert_eq!((entry.is_among(&entries), entry.to_string().as_str()), (found, text));
        }
        for bad in ["", " ", "=wrapped"] {
            assert_eq!(bad.parse::<ManifestEntry>(), Err(InvalidManifestEntry), "{bad}");
        }
    }
}
