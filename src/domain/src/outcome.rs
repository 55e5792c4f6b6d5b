//! How an attempt ended.

use crate::{Change, CommandState, Event};

/// How an attempt ended. Every ended attempt has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// The device failed.
    Failed,
    /// The device did not answer in time.
    TimedOut,
    /// The device refused.
    Rejected,
    /// Stopped on request.
    Cancelled,
    /// A newer command took its place.
    Superseded,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Failed, Self::TimedOut, Self::Rejected, Self::Cancelled, Self::Superseded];

    /// The outcome that `change`, caused by `event`, records for the attempt it ends; `None` when it ends none.
    pub const fn of(change: Change, event: Event) -> Option<Self> {
        match change {
            Change::To(state) => Self::of_state(state),
            // Silence, or a failure that the device or its version tells of.
            Change::NextAttempt => Some(match event {
                Event::DeadlinePassed => Self::TimedOut,
                _ => Self::Failed,
            }),
            Change::FreshAttempt | Change::Back => None,
        }
    }

    /// The outcome of a command in a terminal state.
    pub const fn of_state(state: CommandState) -> Option<Self> {
        match state {
            CommandState::Succeeded => Some(Self::Succeeded),
            CommandState::Failed => Some(Self::Failed),
            CommandState::TimedOut => Some(Self::TimedOut),
            CommandState::Rejected => Some(Self::Rejected),
            CommandState::Cancelled => Some(Self::Cancelled),
            CommandState::Superseded => Some(Self::Superseded),
            _ => None,
        }
    }

    /// The outcome's name in rows, metrics and logs: that of the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// The outcome of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_state_and_no_other_has_an_outcome_of_its_name() {
        for state in CommandState::ALL {
            let outcome = Outcome::of_state(state);
            assert_eq!(outcome.is_some(), state.is_terminal());
            assert!(outcome.is_none_or(|outcome| outcome.as_str() == state.as_str()));
        }
    }
}
