//! What every text of a caller must satisfy.

use super::errors::AepError;

/// The longest name of a job, a firmware, a version or a file.
pub(super) const NAME_MAX: usize = 128;
/// The longest description.
pub(super) const DESCRIPTION_MAX: usize = 1024;
/// The longest name of an operator.
pub(super) const OPERATOR_MAX: usize = 64;
/// The longest text that is searched for.
pub(super) const SEARCH_MAX: usize = 128;

/// Refuses a text that is too long, or holds a NUL character: Postgres cannot store one.
pub(super) fn check(field: &str, text: &str, max_chars: usize) -> Result<(), AepError> {
    if text.contains('\0') {
        Err(AepError::bad(field, "holds a NUL character"))
    } else if text.chars().nth(max_chars).is_some() {
        Err(AepError::bad(field, format!("is longer than {max_chars} characters")))
    } else {
        Ok(())
    }
}

/// A name that must be there: trimmed, and not empty.
pub(super) fn required(field: &str, text: Option<String>, max_chars: usize) -> Result<String, AepError> {
    optional(field, text, max_chars)?.ok_or_else(|| AepError::bad(field, "is missing or empty"))
}

/// A text that may be absent; trimmed, and an empty one is absent.
pub(super) fn optional(field: &str, text: Option<String>, max_chars: usize) -> Result<Option<String>, AepError> {
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    check(field, trimmed, max_chars)?;
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

/// A text that takes the place of an older one: absent keeps it, empty clears it.
pub(super) fn replacement(field: &str, text: Option<String>, max_chars: usize) -> Result<Option<String>, AepError> {
    let was_sent = text.is_some();
    let text = optional(field, text, max_chars)?;
    Ok(was_sent.then(|| text.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(check("jobName", &"升".repeat(128), 128).is_ok());
        assert!(check("jobName", &"升".repeat(129), 128).is_err());
        assert!(check("jobName", "a\0b", 128).is_err());
    }

    #[test]
    fn a_replacement_is_told_from_none() {
        assert_eq!(replacement("jobDesc", Some(" ".into()), 5).unwrap().as_deref(), Some(""));
        assert_eq!(replacement("jobDesc", None, 5).unwrap(), None);
    }

    #[test]
    fn names_are_trimmed_and_must_not_be_blank() {
        assert_eq!(required("jobName", Some("  x ".into()), 5).unwrap(), "x");
        assert!(required("jobName", Some(" \t".into()), 5).is_err() && required("jobName", None, 5).is_err());
    }
}
