//! Names of entries, which are bytes of unknown encoding.

use super::broken;
use crate::PackageError;

/// How much of a name an error shows.
const SHOWN: usize = 80;

/// Refuses names that no packager writes: those that lead out of the folder they are unpacked to. Nothing is unpacked
/// here, but the file is stored and handed on.
pub(super) fn check(name: &[u8]) -> Result<(), PackageError> {
    let separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    let reason = if name.is_empty() {
        "has no name"
    } else if name.iter().any(u8::is_ascii_control) {
        "has control characters in its name"
    } else if separator(&name[0]) || name.split(separator).any(|part| part == b"..") {
        "has a name that leads out of the archive"
    } else {
        return Ok(());
    };
    Err(broken(format!("the entry {} {reason}", show(name))))
}

/// A name for people: bounded, and nothing in it but what can be shown.
pub(super) fn show(name: &[u8]) -> String {
    let name = &name[..name.len().min(SHOWN)];
    format!("\"{}\"", name.escape_ascii())
}
