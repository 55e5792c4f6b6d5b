//! What was asked of the API during a fault, and what it answered.

/// A job that somebody tried to make, to fill and to start.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) job: i64,
    pub(crate) devices: Vec<String>,
    /// Whether a 2xx said that they joined.
    pub(crate) has_joined: bool,
    /// Whether a 2xx said that it started.
    pub(crate) has_started: bool,
}

/// A file that a 2xx said was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) firmware: i64,
    pub(crate) sha256: String,
}

/// What was asked, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Jobs whose making was answered with 2xx.
    pub(crate) deeds: Vec<Deed>,
    pub(crate) stored: Vec<Stored>,
    pub(crate) accepted: u32,
    /// Refused with 503 and a time to try again.
    pub(crate) put_off: u32,
    /// No answer, or half of one.
    pub(crate) unanswered: u32,
    /// Answers that no fault excuses.
    pub(crate) wrong: Vec<String>,
}
