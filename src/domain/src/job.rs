//! The states of a job.

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobState {
    /// Being put together; nothing goes out.
    Draft,
    /// Starts by itself at its time.
    Scheduled,
    /// Commands are released and run.
    Running,
    /// Nothing more goes out until it is resumed.
    Paused,
    /// Every command has ended.
    Completed,
    /// Stopped on request.
    Cancelled,
    /// Stopped by its own rule.
    Aborted,
}

use JobState as S;

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobEvent {
    /// Start at a time.
    Schedule,
    /// Start now.
    Start,
    /// Hold everything that has not gone out.
    Pause,
    /// Go on.
    Resume,
    /// The last open command ended.
    LastCommandEnded,
    /// An ended command is tried again.
    Reopen,
    /// Stop.
    Cancel,
    /// Stopped by its own rule.
    Abort,
}

use JobEvent as E;

impl JobState {
    /// Every state.
    pub const ALL: [Self; 7] = [S::Draft, S::Scheduled, S::Running, S::Paused, S::Completed, S::Cancelled, S::Aborted];

    /// The state after `event`, or `None` when it is not allowed now.
    #[must_use]
    pub const fn after(self, event: JobEvent) -> Option<Self> {
        Some(match (event, self) {
            (E::Schedule, S::Draft) => S::Scheduled,
            (E::Start, S::Draft | S::Scheduled) | (E::Resume, S::Paused) | (E::Reopen, S::Completed | S::Running) => {
                S::Running
            }
            (E::Pause, S::Running) => S::Paused,
            // Nothing is left to hold.
            (E::LastCommandEnded, S::Running | S::Paused) => S::Completed,
            (E::Cancel, S::Draft | S::Scheduled | S::Running | S::Paused) => S::Cancelled,
            (E::Abort, S::Running | S::Paused) => S::Aborted,
            _ => return None,
        })
    }

    /// The states in which `event` is allowed: the guard of its UPDATE.
    pub fn sources(event: JobEvent) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |state| state.after(event).is_some())
    }

    /// Whether nothing of the job has gone out yet, so that it may still be changed.
    pub const fn is_unstarted(self) -> bool {
        matches!(self, S::Draft | S::Scheduled)
    }

    /// Whether the job was stopped before its end: no attempt begins any more.
    pub const fn is_stopped(self) -> bool {
        matches!(self, S::Cancelled | S::Aborted)
    }

    /// Whether the job has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, S::Completed | S::Cancelled | S::Aborted)
    }

    /// The state's name in rows, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            S::Draft => "draft",
            S::Scheduled => "scheduled",
            S::Running => "running",
            S::Paused => "paused",
            S::Completed => "completed",
            S::Cancelled => "cancelled",
            S::Aborted => "aborted",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_job_only_ever_reopens_by_a_retry() {
        for state in JobState::ALL.into_iter().filter(|state| state.is_terminal()) {
            for event in [E::Schedule, E::Start, E::Pause, E::Resume, E::LastCommandEnded, E::Cancel, E::Abort] {
                assert_eq!(state.after(event), None, "{state:?} {event:?}");
            }
        }
        assert_eq!(S::Completed.after(E::Reopen), Some(S::Running));
    }

    #[test]
    fn a_job_starts_once() {
        assert_eq!(JobState::sources(E::Start).collect::<Vec<_>>(), [S::Draft, S::Scheduled]);
    }

    #[test]
    fn a_job_is_held_only_while_it_runs() {
        assert_eq!(JobState::sources(E::Pause).collect::<Vec<_>>(), [S::Running]);
        assert_eq!(JobState::sources(E::Resume).collect::<Vec<_>>(), [S::Paused]);
        assert_eq!(JobState::sources(E::LastCommandEnded).collect::<Vec<_>>(), [S::Running, S::Paused]);
        assert_eq!(S::Paused.after(E::Reopen), None, "it would go out at once");
    }

    #[test]
    fn names_parse_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
    }
}
