//! The states of a command and the one function that moves it between them.
//!
//! The guards of the SQL are generated from [`transition`] by [`moves`], so the two cannot disagree.

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CommandState {
    /// Written down, waiting for its job.
    Planned,
    /// Released, waiting for its channel or for its next attempt.
    Queued,
    /// The channel took it; the device has not answered.
    Sent,
    /// The device fetches the file.
    Downloading,
    /// The device has the whole file and waits to install it: for its user, for the night.
    Downloaded,
    /// The device installs the file.
    Installing,
    /// The device said it is done; the job asks for proof.
    Verifying,
    /// The device was asked to stop.
    Cancelling,
    /// Done.
    Succeeded,
    /// The device failed and no try is left.
    Failed,
    /// The device did not answer in time and no try is left.
    TimedOut,
    /// The device does not want it.
    Rejected,
    /// Stopped on request.
    Cancelled,
    /// A newer command for the same device took its place.
    Superseded,
}

use CommandState as S;

impl CommandState {
    /// Every state.
    pub const ALL: [Self; 14] = [
        S::Planned,
        S::Queued,
        S::Sent,
        S::Downloading,
        S::Downloaded,
        S::Installing,
        S::Verifying,
        S::Cancelling,
        S::Succeeded,
        S::Failed,
        S::TimedOut,
        S::Rejected,
        S::Cancelled,
        S::Superseded,
    ];

    /// Whether the command has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, S::Succeeded | S::Failed | S::TimedOut | S::Rejected | S::Cancelled | S::Superseded)
    }

    /// Whether the present attempt is with its device: the channel took it, and nothing has ended it.
    pub const fn is_handed_over(self) -> bool {
        matches!(self, S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying | S::Cancelling)
    }

    /// Whether its device may have it, known to us or not: a report may overtake the channel's confirmation.
    const fn may_be_handed_over(self) -> bool {
        self.is_handed_over() || matches!(self, S::Queued)
    }

    /// The states in which a command has not ended.
    pub fn open() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|state| !state.is_terminal())
    }

    /// The state's name in rows, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            S::Planned => "planned",
            S::Queued => "queued",
            S::Sent => "sent",
            S::Downloading => "downloading",
            S::Downloaded => "downloaded",
            S::Installing => "installing",
            S::Verifying => "verifying",
            S::Cancelling => "cancelling",
            S::Succeeded => "succeeded",
            S::Failed => "failed",
            S::TimedOut => "timed_out",
            S::Rejected => "rejected",
            S::Cancelled => "cancelled",
            S::Superseded => "superseded",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// How far an attempt came: what a failure is a failure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Not yet handed over.
    Feasibility,
    /// Handed over, no sign of the device.
    Assign,
    /// The file is on its way.
    Download,
    /// The file is there: it is being installed, or waits for that. What fails now is no failure of the download.
    Install,
    /// Installed, waiting for proof.
    Verify,
}

impl Phase {
    /// The phase of a command in `state` that was in `prior` before.
    pub const fn of(state: CommandState, prior: CommandState) -> Self {
        let at = if state.is_terminal() || matches!(state, S::Cancelling) { prior } else { state };
        match at {
            S::Sent => Self::Assign,
            S::Downloading => Self::Download,
            S::Downloaded | S::Installing => Self::Install,
            S::Verifying => Self::Verify,
            _ => Self::Feasibility,
        }
    }
}

/// What happens to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// The job's policy lets it go.
    Released,
    /// The channel confirmed that it has it.
    Accepted,
    /// The device downloads.
    Downloading,
    /// The device has the file and waits to install it.
    Downloaded,
    /// The device installs.
    Installing,
    /// The device reports success.
    Succeeded,
    /// The device was seen running the new version.
    Proven,
    /// The device was seen running the old version after it had reported success.
    Disproven,
    /// The device reports failure.
    Failed,
    /// The device refuses the command.
    Refused,
    /// The state's deadline passed.
    DeadlinePassed,
    /// Somebody wants it stopped.
    CancelRequested,
    /// The device stopped.
    CancelConfirmed,
    /// The device cannot stop any more.
    CancelRefused,
    /// Somebody wants it stopped now, whatever its device says or does.
    CancelForced,
    /// What the job brings is offered no more: what no device has ends, what is under way goes on.
    Withdrawn,
    /// A newer command for the same device and product line was released.
    Superseded,
    /// An operator tries again what had ended.
    Retried,
}

use Event as E;

impl Event {
    /// Every event.
    pub const ALL: [Self; 18] = [
        E::Released,
        E::Accepted,
        E::Downloading,
        E::Downloaded,
        E::Installing,
        E::Succeeded,
        E::Proven,
        E::Disproven,
        E::Failed,
        E::Refused,
        E::DeadlinePassed,
        E::CancelRequested,
        E::CancelConfirmed,
        E::CancelRefused,
        E::CancelForced,
        E::Withdrawn,
        E::Superseded,
        E::Retried,
    ];

    /// Whether it only tells how far a device is: it may be left out or repeated, and buys the attempt no time.
    pub const fn is_progress(self) -> bool {
        matches!(self, E::Downloading | E::Downloaded | E::Installing)
    }
}

/// Whether the policy has automatic tries left for this command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Budget {
    /// At least one more.
    Left,
    /// None.
    Spent,
}

/// What a job asks of its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    /// Success counts only when the device was seen running the new version.
    pub proof_required: bool,
    /// The job was stopped: an attempt that is under way may end well, and none follows it.
    pub is_stopped: bool,
}

/// What an event does to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// To this state, in the same attempt.
    To(CommandState),
    /// Queued again, in the next attempt, at the cost of one automatic try.
    NextAttempt,
    /// Queued again, in the next attempt, with all automatic tries restored.
    FreshAttempt,
    /// Back to the state before it was asked to stop.
    Back,
}

/// The one transition function: what `event` does to a command in `state`, or `None` when it is late, early or repeated.
///
/// A report may overtake the dispatcher's own note that the channel took the command; it proves as much, so reports are
/// legal from [`CommandState::Queued`] too. The attempt's number, checked beside this function, keeps older ones out.
pub const fn transition(state: CommandState, budget: Budget, event: Event, rules: Rules) -> Option<Change> {
    let budget = if rules.is_stopped { Budget::Spent } else { budget };
    let change = match (event, state) {
        (E::Released, S::Planned) => Change::To(S::Queued),
        (E::Accepted, S::Queued) => Change::To(S::Sent),
        (E::Downloading, S::Queued | S::Sent) => Change::To(S::Downloading),
        (E::Downloaded, S::Queued | S::Sent | S::Downloading) => Change::To(S::Downloaded),
        (E::Installing, S::Queued | S::Sent | S::Downloading | S::Downloaded) => Change::To(S::Installing),

        (E::Succeeded, S::Queued | S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Cancelling) => {
            Change::To(if rules.proof_required { S::Verifying } else { S::Succeeded })
        }
        (E::Proven, state) if state.may_be_handed_over() => Change::To(S::Succeeded),

        (E::Failed, S::Queued | S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying)
        // Before it reports success, a device that runs the old version is merely not done yet.
        | (E::Disproven, S::Verifying) => {
            match budget {
                Budget::Left => Change::NextAttempt,
                Budget::Spent => Change::To(S::Failed),
            }
        }
        (E::DeadlinePassed, S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying) => match budget {
            Budget::Left => Change::NextAttempt,
            Budget::Spent => Change::To(S::TimedOut),
        },
        // Only raised when the job's own time is over (before that, a queued command is handed out again): another try would
        // have no time either.
        (E::DeadlinePassed, S::Planned | S::Queued) => Change::To(S::TimedOut),
        // The caller wanted it stopped, and stopped it is: by its own failure, or given up waiting for.
        (E::Failed | E::DeadlinePassed, S::Cancelling) => Change::To(S::Cancelled),
        // Whoever asked: a refusal may have been the answer to an earlier wish, and a device that has stopped will not report
        // again. Waiting for its deadline, and then trying again, would help nobody.
        (E::CancelConfirmed, state) if state.may_be_handed_over() => Change::To(S::Cancelled),
        (E::CancelRefused, S::Cancelling) => Change::Back,

        (E::Refused, state) if state.may_be_handed_over() => Change::To(S::Rejected),
        (E::CancelRequested | E::Withdrawn, S::Planned | S::Queued) => Change::To(S::Cancelled),
        (E::CancelRequested, S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying) => {
            Change::To(S::Cancelling)
        }
        (E::CancelForced, state) if !state.is_terminal() => Change::To(S::Cancelled),
        (E::Superseded, state) if !state.is_terminal() => Change::To(S::Superseded),
        (E::Retried, S::Failed | S::TimedOut | S::Cancelled) => Change::FreshAttempt,
        _ => return None,
    };
    Some(change)
}

/// One guarded UPDATE: the rows that may move, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What happens to them.
    pub change: Change,
    /// The states they must be in.
    pub sources: Vec<CommandState>,
    /// The automatic tries they must have, or `None` when it makes no difference.
    pub budget: Option<Budget>,
}

/// Everything that `event` can do, as guarded UPDATEs that together cover exactly [`transition`].
pub fn moves(event: Event, rules: Rules) -> Vec<Move> {
    let mut found: Vec<Move> = Vec::new();
    for state in CommandState::ALL {
        let [left, spent] = [Budget::Left, Budget::Spent].map(|budget| transition(state, budget, event, rules));
        let cases = if left == spent {
            vec![(left, None)]
        } else {
            vec![(left, Some(Budget::Left)), (spent, Some(Budget::Spent))]
        };
        for (change, budget) in cases {
            let Some(change) = change else { continue };
            match found.iter_mut().find(|known| known.change == change && known.budget == budget) {
                Some(known) => known.sources.push(state),
                None => found.push(Move { change, sources: vec![state], budget }),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
