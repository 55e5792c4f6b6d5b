//! The cases: everything that can come together.

use drover_domain::CommandState as S;
use drover_messages::ReportStatus;
use drover_service::CancelMode;

/// What all cases of one job have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The attempt under way when the cancel comes.
    pub(crate) attempt: i16,
    /// Whether automatic tries are left then.
    pub(crate) tries_left: bool,
    /// Whether success needs its proof.
    pub(crate) proof_required: bool,
}

/// When the report is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the cancel.
    Before,
    /// While the device's answer is waited for; somebody has asked a second time.
    Cancelling,
    /// After the cancel, which ended the command at once.
    EndedAtOnce,
    /// After the device confirmed.
    Confirmed,
    /// After the cancel's deadline.
    DeadlinePassed,
    /// After a second cancel, by force.
    ForcedSince,
    /// After the device refused to stop.
    Refused,
}

/// What the device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// This; a success with its proof.
    Report(ReportStatus),
    /// A success whose proof is to come.
    Unproven,
    /// Nothing until the deadline.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Where the command stands before anything of the case happens.
    pub(crate) stands: S,
    pub(crate) mode: CancelMode,
    pub(crate) when: When,
    pub(crate) said: Said,
    /// Whether it is said of the attempt before the present one.
    pub(crate) of_older: bool,
}

/// Every status, and its name in the document.
pub(crate) const STATUSES: [(ReportStatus, &str); 8] = [
    (ReportStatus::Downloading, "downloading"),
    (ReportStatus::Downloaded, "downloaded"),
    (ReportStatus::Installing, "installing"),
    (ReportStatus::Succeeded, "succeeded"),
    (ReportStatus::Failed, "failed"),
    (ReportStatus::Refused, "refused"),
    (ReportStatus::Cancelled, "cancelled"),
    (ReportStatus::CancelRefused, "cancel_refused"),
];

impl Group {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [1, 2].into_iter().flat_map(|attempt| {
            [false, true].into_iter().flat_map(move |tries_left| {
                [false, true].map(|proof_required| Self { attempt, tries_left, proof_required })
            })
        })
    }

    pub(crate) fn retry_limit(self) -> i16 {
        self.attempt - i16::from(!self.tries_left)
    }

    pub(crate) fn cases(self) -> Vec<Case> {
        let mut cases = Vec::new();
        for stands in self.stands() {
            for mode in [CancelMode::Soft, CancelMode::Force] {
                for when in times(stands, mode) {
                    for of_older in [false, true] {
                        cases.extend(self.said(when, of_older).into_iter().map(|said| Case {
                            stands,
                            mode,
                            when,
                            said,
                            of_older,
                        }));
                    }
                }
            }
        }
        cases
    }

    fn stands(self) -> Vec<S> {
        let mut states = vec![S::Queued, S::Sent, S::Downloading, S::Downloaded, S::Installing];
        // A second attempt is queued: from the pause before it until the channel takes it.
        states.extend((self.attempt == 1).then_some(S::Planned));
        states.extend(self.proof_required.then_some(S::Verifying));
        states
    }

    fn said(self, when: When, of_older: bool) -> Vec<Said> {
        if of_older && self.attempt == 1 {
            return Vec::new();
        }
        let mut said: Vec<Said> = STATUSES.into_iter().map(|(status, _)| Said::Report(status)).collect();
        said.extend(self.proof_required.then_some(Said::Unproven));
        said.extend((when != When::Before && !of_older).then_some(Said::Nothing));
        said
    }
}

fn times(stands: S, mode: CancelMode) -> Vec<When> {
    match (stands, mode) {
        (S::Planned | S::Queued, _) | (_, CancelMode::Force) => vec![When::Before, When::EndedAtOnce],
        (_, CancelMode::Soft) => vec![
            When::Before,
            When::Cancelling,
            When::Confirmed,
            When::DeadlinePassed,
            When::ForcedSince,
            When::Refused,
        ],
    }
}
