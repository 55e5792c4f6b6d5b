//! What the document says comes of a case.

use std::collections::BTreeMap;

use drover_domain::CommandState as S;
use drover_messages::ReportStatus;
use drover_service::{CancelMode, CancelResult, Reason, Recorded};

use crate::{
    cases::{Case, Group, STATUSES, Said, When},
    tables::Tables,
};

/// A command and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: S,
    pub(crate) attempt: i16,
    pub(crate) cancel_refused: bool,
    /// How the attempts that ended did, by attempt.
    pub(crate) outcomes: BTreeMap<i16, String>,
}

/// What a case comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) recorded: Option<Recorded>,
    pub(crate) cancelled: CancelResult,
    /// Whether the device is told by the cancel, and by the second one if there is one.
    pub(crate) told: (bool, bool),
    pub(crate) standing: Standing,
}

impl Expected {
    pub(crate) fn of(group: Group, case: Case, tables: &Tables) -> Self {
        let mut command = Standing {
            state: case.stands,
            attempt: group.attempt,
            cancel_refused: false,
            outcomes: (1..group.attempt).map(|attempt| (attempt, "failed".to_owned())).collect(),
        };
        if case.when == When::Before {
            let recorded = command.report(group, case, "before", tables);
            let (cancelled, told) = command.cancel(case.mode, tables);
            return Self { recorded, cancelled, told: (told, false), standing: command };
        }
        let (cancelled, told) = command.cancel(case.mode, tables);
        let mut told_again = false;
        match case.when {
            When::Confirmed | When::DeadlinePassed => command.end(S::Cancelled),
            When::Cancelling => told_again = command.cancel(CancelMode::Soft, tables).1,
            When::ForcedSince => told_again = command.cancel(CancelMode::Force, tables).1,
            When::Refused => (command.state, command.cancel_refused) = (case.stands, true),
            When::Before | When::EndedAtOnce => {}
        }
        let column = match case.when {
            When::Cancelling => "cancelling",
            When::Refused => "refused",
            _ => "cancelled",
        };
        let recorded = command.report(group, case, column, tables);
        Self { recorded, cancelled, told: (told, told_again), standing: command }
    }
}

impl Standing {
    fn cancel(&mut self, mode: CancelMode, tables: &Tables) -> (CancelResult, bool) {
        let row = if self.is_open() { self.state.as_str() } else { "ended" };
        let column = if mode == CancelMode::Soft { "Soft" } else { "Force" };
        let (to, told) = tables.cell(row, column, ',');
        let result = match to {
            "refused" => CancelResult::HadEnded(self.state),
            "cancelling" => {
                self.state = S::Cancelling;
                CancelResult::Asked
            }
            "cancelled" => {
                self.end(S::Cancelled);
                CancelResult::Cancelled
            }
            other => panic!("{other}"),
        };
        (result, told == "told")
    }

    fn report(&mut self, group: Group, case: Case, column: &str, tables: &Tables) -> Option<Recorded> {
        let column = if case.of_older { "older attempt" } else { column };
        if self.state == S::Planned {
            return Some(if case.step().is_some_and(|step| step < steps(S::Verifying)) {
                Recorded::Stale
            } else {
                LATE
            });
        }
        let (how, to) = tables.cell(&case.row(group), column, ':');
        let is_news = case.step().is_some_and(|step| step > steps(self.state));
        let recorded = match how {
            "applied" => Some(Recorded::Applied),
            "news" if is_news => Some(Recorded::Applied),
            "news" if case.said == Said::Unproven => return Some(Recorded::Kept(Reason::Duplicate)),
            "news" | "stale" => return Some(Recorded::Stale),
            "late" => return Some(LATE),
            "duplicate" => return Some(Recorded::Kept(Reason::Duplicate)),
            "deadline" => None,
            other => panic!("{other}"),
        };
        match to {
            "same" => {}
            "forward" => self.state = STEPS[case.step().unwrap() - 1],
            "back" => (self.state, self.cancel_refused) = (case.stands, true),
            "next" => {
                let how = if case.said == Said::Nothing { "timed_out" } else { "failed" };
                self.outcomes.insert(self.attempt, how.to_owned());
                (self.state, self.attempt, self.cancel_refused) = (S::Queued, self.attempt + 1, false);
            }
            state => match S::parse(state).unwrap() {
                ended if ended.is_terminal() => self.end(ended),
                open => self.state = open,
            },
        }
        recorded
    }

    fn end(&mut self, state: S) {
        self.state = state;
        self.outcomes.insert(self.attempt, state.as_str().to_owned());
    }

    fn is_open(&self) -> bool {
        !self.outcomes.contains_key(&self.attempt)
    }
}

const LATE: Recorded = Recorded::Kept(Reason::Late);

impl Case {
    /// The row of the table of races.
    fn row(self, group: Group) -> String {
        let tries = if group.tries_left { "tries left" } else { "no try left" };
        match self.said {
            Said::Nothing => format!("nothing, {tries}"),
            Said::Unproven => "succeeded, proof to come".to_owned(),
            Said::Report(ReportStatus::Failed) => format!("failed, {tries}"),
            Said::Report(status) => STATUSES.iter().find(|(known, _)| *known == status).unwrap().1.to_owned(),
        }
    }

    /// How far the device says it is, if it says so.
    fn step(self) -> Option<usize> {
        match self.said {
            Said::Report(ReportStatus::Downloading) => Some(steps(S::Downloading)),
            Said::Report(ReportStatus::Downloaded) => Some(steps(S::Downloaded)),
            Said::Report(ReportStatus::Installing) => Some(steps(S::Installing)),
            Said::Unproven => Some(steps(S::Verifying)),
            _ => None,
        }
    }
}

/// What a device's progress leads through.
const STEPS: [S; 4] = [S::Downloading, S::Downloaded, S::Installing, S::Verifying];

/// How far a command is.
fn steps(state: S) -> usize {
    STEPS.iter().position(|step| *step == state).map_or(0, |place| place + 1)
}
