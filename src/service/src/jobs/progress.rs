//! How far a job is, and what it went through: for the command line, whose user owns the database.

use std::collections::BTreeMap;

use drover_domain::{CommandState, JobId};
use drover_store::{reports::Reason, stats, tallies};

use crate::{Service, ServiceError};

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobProgress {
    states: BTreeMap<CommandState, i64>,
}

impl JobProgress {
    /// Commands in this state.
    pub fn of(&self, state: CommandState) -> i64 {
        self.states.get(&state).copied().unwrap_or(0)
    }

    /// Commands that were handed to their channel and have not ended.
    pub fn under_way(&self) -> i64 {
        self.count(|state| !state.is_terminal() && !matches!(state, CommandState::Planned | CommandState::Queued))
    }

    /// Commands that have ended.
    pub fn ended(&self) -> i64 {
        self.count(CommandState::is_terminal)
    }

    fn count(&self, matching: impl Fn(CommandState) -> bool) -> i64 {
        self.states.iter().filter(|(state, _)| matching(**state)).map(|(_, count)| count).sum()
    }
}

/// What a job went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobHistory {
    /// Attempts that were begun, the first ones too.
    pub attempts: i64,
    /// Reports kept as evidence: the same was said before.
    pub duplicates: i64,
    /// Reports kept as evidence: the attempt had ended.
    pub late: i64,
    /// Reports kept as evidence: there was no such attempt.
    pub premature: i64,
}

impl Service {
    /// How far a job is. Reads a few rows, however many devices the job has.
    pub async fn job_progress(&self, job: JobId) -> Result<JobProgress, ServiceError> {
        let states = tallies::of_job(&self.store().client().await?, job).await?;
        Ok(JobProgress { states })
    }

    /// What a job went through. Reads all of its commands and evidence.
    pub async fn job_history(&self, job: JobId) -> Result<JobHistory, ServiceError> {
        let client = self.store().client().await?;
        let attempts = stats::attempts(&client, job).await?;
        let evidence: BTreeMap<String, i64> = stats::evidence(&client, job).await?.into_iter().collect();
        let of = |reason: Reason| evidence.get(reason.as_str()).copied().unwrap_or(0);
        Ok(JobHistory {
            attempts,
            duplicates: of(Reason::Duplicate),
            late: of(Reason::Late),
            premature: of(Reason::Premature),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_wait_are_under_way_or_have_ended() {
        let states = CommandState::ALL.into_iter().map(|state| (state, 1)).collect();
        let progress = JobProgress { states };
        assert_eq!((progress.of(CommandState::Sent), progress.under_way(), progress.ended()), (1, 6, 6));
    }
}
