//! What a fleet did.

use std::collections::HashMap;

use drover_messages::ReportStatus;

/// What a fleet did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FleetReport {
    /// Commands to upgrade, without those that came again.
    pub(crate) received: u64,
    /// Commands that came again, for the same or an older attempt.
    pub(crate) received_again: u64,
    /// Wishes to cancel.
    pub(crate) cancels: u64,
    /// Messages that no device understands.
    pub(crate) malformed: u64,
    /// Commands that stay without an answer on purpose.
    pub(crate) unanswered: u64,
    /// Reports that were taken.
    pub(crate) sent: Sent,
    /// Connections of devices that have one each.
    pub(crate) connections: Connections,
    /// Files that came whole and unchanged.
    pub(crate) downloads_ok: u64,
    /// Files that did not.
    pub(crate) downloads_failed: u64,
    /// Answers that were due later when the fleet ended.
    pub(crate) abandoned: u64,
}

/// Reports that were taken at the other end of the link, and those that were not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    by_status: HashMap<ReportStatus, u64>,
    /// Of these, said before.
    pub(crate) repeated: u64,
    /// Of these, said after the attempt was given up.
    pub(crate) late: u64,
    /// Given up after several tries.
    pub(crate) failures: u64,
}

impl Sent {
    /// Reports in all.
    pub(crate) fn total(&self) -> u64 {
        self.by_status.values().sum()
    }

    pub(super) fn note(&mut self, status: ReportStatus, manner: Manner) {
        *self.by_status.entry(status).or_default() += 1;
        match manner {
            Manner::Plain => {}
            Manner::Repeated => self.repeated += 1,
            Manner::Late => self.late += 1,
        }
    }
}

/// What a link did.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    pub(super) sent: Sent,
    pub(super) connections: Connections,
}

/// What became of the connections of devices that have one each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    /// Opened, first and again.
    pub(crate) opened: u64,
    /// Refused: the device's token is not right, or nobody was there to say so.
    pub(crate) refused: u64,
    /// Lost, or not to be had, against the device's will.
    pub(crate) lost: u64,
    /// Broken by the device on purpose.
    pub(crate) broken: u64,
}

/// How a report is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Once, in time.
    Plain,
    /// Again.
    Repeated,
    /// After the attempt was given up.
    Late,
}
