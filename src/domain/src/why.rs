//! Why is this device not updated? One sentence's worth, by rule.
//!
//! [`why`] is total: whatever is known of a device and of its newest command that matters, there is one reason, and the rule
//! that decided it. Moments are of whatever type the caller counts them in.

use crate::{ChannelKind, CommandState, JobId, JobState};

/// What is known of a device and of the command that matters most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation<T> {
    /// Now.
    pub now: T,
    /// The device.
    pub device: DeviceStanding<T>,
    /// Its newest open command, or its newest one when none is open.
    pub command: Option<CommandStanding<T>>,
    /// What the installation does.
    pub ways: Ways,
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceStanding<T> {
    /// How it is reached.
    pub channel: ChannelKind,
    /// When it was heard of last; `None`: never.
    pub heard_at: Option<T>,
    /// Whether its enrolment has ended.
    pub is_deregistered: bool,
    /// Until when it may still log in to be told what it must remove.
    pub leaving_until: Option<T>,
    /// What it logs in with.
    pub token: Token<T>,
}

/// What a device logs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<T> {
    /// It never had any.
    Absent,
    /// It is good.
    Good,
    /// It was taken back.
    Revoked(T),
}

/// Where a command stands, and its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStanding<T> {
    /// The job.
    pub job: JobId,
    /// Where the job stands.
    pub job_state: JobState,
    /// When the job starts by itself.
    pub start_at: Option<T>,
    /// Who paused or stopped the job, and when, where the audit tells.
    pub stopped_by: Option<(String, T)>,
    /// Whether the job's time is over.
    pub is_expired: bool,
    /// Where the command stands.
    pub state: CommandState,
    /// Where it stood before.
    pub prior_state: CommandState,
    /// The present attempt, from 1.
    pub attempt: i16,
    /// Automatic tries left.
    pub retries_left: i16,
    /// Until when the pause before this attempt lasts.
    pub not_before: Option<T>,
    /// When its channel took this attempt.
    pub sent_at: Option<T>,
    /// Since when it stands where it stands.
    pub since: T,
    /// When something is done about it, if nothing happens before.
    pub deadline_at: Option<T>,
    /// The device's code and words for the last attempt that ended.
    pub last: Option<Said>,
    /// The newer job that took its place.
    pub superseded_by: Option<JobId>,
}

/// A device's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its code; empty when it gave none.
    pub code: String,
    /// Its message; empty when it gave none.
    pub message: String,
}

/// What the installation does for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Whether the queue that it goes through is paused.
    pub is_queue_paused: bool,
    /// Whether others wait in that queue, so that its own turn may not have come.
    pub has_backlog: bool,
    /// Whether a dispatcher is at work.
    pub has_dispatcher: bool,
}

/// Why a device is not updated, or that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<T> {
    /// Its enrolment has ended, and it may still log in to remove what it must.
    Leaving {
        /// Until then.
        until: T,
    },
    /// Its enrolment has ended.
    Deregistered,
    /// No job has asked for anything.
    NothingAsked {
        /// Whether it was ever heard of.
        was_heard_of: bool,
    },
    /// Its job was not started.
    JobIsDraft(JobId),
    /// Its job starts by itself.
    JobIsScheduled {
        /// The job.
        job: JobId,
        /// When.
        at: Option<T>,
    },
    /// Its job was paused.
    JobIsPaused {
        /// The job.
        job: JobId,
        /// Who did, and when, where that is known.
        by: Option<(String, T)>,
    },
    /// Its job was stopped, and what is under way ends.
    JobIsStopped {
        /// The job.
        job: JobId,
        /// Whether the job stopped itself.
        is_aborted: bool,
        /// Who did, and when, where that is known.
        by: Option<(String, T)>,
    },
    /// The time of its job is over, and the timekeeper ends it.
    JobIsOver(JobId),
    /// It waits until its job's planner lets it go.
    WaitsForRelease(JobId),
    /// It waits until the pause before its next attempt is over.
    InPause {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: i16,
        /// Until then.
        until: T,
        /// How the attempt before ended.
        last: Option<Said>,
    },
    /// Its token was taken back: it cannot log in.
    TokenRevoked {
        /// The job.
        job: JobId,
        /// When.
        at: T,
    },
    /// It has no token: it cannot log in.
    TokenAbsent(JobId),
    /// The queue to its channel is paused.
    QueueIsPaused(JobId),
    /// No dispatcher is at work.
    NoDispatcher(JobId),
    /// It was never heard of.
    NeverSeen {
        /// The job.
        job: JobId,
        /// How it is to come.
        channel: ChannelKind,
    },
    /// It has to come and take it.
    NotSeenSince {
        /// The job.
        job: JobId,
        /// How it is to come.
        channel: ChannelKind,
        /// When it was heard of last.
        heard_at: T,
    },
    /// Its turn has not come yet.
    WaitsForTurn(JobId),
    /// Its channel took it, and it has said nothing.
    Silent {
        /// The job.
        job: JobId,
        /// Since then.
        since: T,
        /// When the attempt is given up.
        deadline_at: Option<T>,
    },
    /// It is at work on it.
    AtWork {
        /// The job.
        job: JobId,
        /// On what: downloading, downloaded, installing or verifying.
        state: CommandState,
        /// Since then.
        since: T,
        /// When the attempt is given up.
        deadline_at: Option<T>,
    },
    /// It was asked to stop.
    Cancelling {
        /// The job.
        job: JobId,
        /// When it is taken as stopped.
        deadline_at: Option<T>,
    },
    /// It failed, and no try is left.
    Failed {
        /// The job.
        job: JobId,
        /// Attempts that were made.
        attempts: i16,
        /// What it said.
        said: Said,
    },
    /// It did not answer in time, and no try is left.
    TimedOut {
        /// The job.
        job: JobId,
        /// Attempts that were made.
        attempts: i16,
        /// Whether it never had it.
        was_sent: bool,
    },
    /// It does not want it.
    Rejected {
        /// The job.
        job: JobId,
        /// What it said.
        said: Said,
    },
    /// It was cancelled.
    Cancelled {
        /// The job.
        job: JobId,
        /// Who did, and when, where that is known.
        by: Option<(String, T)>,
    },
    /// A newer command took its place.
    Superseded {
        /// The job.
        job: JobId,
        /// The newer one, where that is known.
        newer: Option<JobId>,
    },
    /// It did what was asked of it last.
    UpToDate {
        /// The job.
        job: JobId,
        /// When.
        at: T,
    },
}

impl<T> Reason<T> {
    /// The name of the rule that decided: a code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Leaving { .. } => "leaving",
            Self::Deregistered => "deregistered",
            Self::NothingAsked { .. } => "nothing_asked",
            Self::JobIsDraft(_) => "job_is_draft",
            Self::JobIsScheduled { .. } => "job_is_scheduled",
            Self::JobIsPaused { .. } => "job_is_paused",
            Self::JobIsStopped { .. } => "job_is_stopped",
            Self::JobIsOver(_) => "job_is_over",
            Self::WaitsForRelease(_) => "waits_for_release",
            Self::InPause { .. } => "in_pause",
            Self::TokenRevoked { .. } => "token_revoked",
            Self::TokenAbsent(_) => "token_absent",
            Self::QueueIsPaused(_) => "queue_is_paused",
            Self::NoDispatcher(_) => "no_dispatcher",
            Self::NeverSeen { .. } => "never_seen",
            Self::NotSeenSince { .. } => "not_seen_since",
            Self::WaitsForTurn(_) => "waits_for_turn",
            Self::Silent { .. } => "silent",
            Self::AtWork { .. } => "at_work",
            Self::Cancelling { .. } => "cancelling",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Rejected { .. } => "rejected",
            Self::Cancelled { .. } => "cancelled",
            Self::Superseded { .. } => "superseded",
            Self::UpToDate { .. } => "up_to_date",
        }
    }

    /// The job that it is about.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::Leaving { .. } | Self::Deregistered | Self::NothingAsked { .. } => None,
            Self::JobIsDraft(job)
            | Self::JobIsOver(job)
            | Self::WaitsForRelease(job)
            | Self::TokenAbsent(job)
            | Self::QueueIsPaused(job)
            | Self::NoDispatcher(job)
            | Self::WaitsForTurn(job)
            | Self::JobIsScheduled { job, .. }
            | Self::JobIsPaused { job, .. }
            | Self::JobIsStopped { job, .. }
            | Self::InPause { job, .. }
            | Self::TokenRevoked { job, .. }
            | Self::NeverSeen { job, .. }
            | Self::NotSeenSince { job, .. }
            | Self::Silent { job, .. }
            | Self::AtWork { job, .. }
            | Self::Cancelling { job, .. }
            | Self::Failed { job, .. }
            | Self::TimedOut { job, .. }
            | Self::Rejected { job, .. }
            | Self::Cancelled { job, .. }
            | Self::Superseded { job, .. }
            | Self::UpToDate { job, .. } => Some(*job),
        }
    }
}

use CommandState as S;

/// Why a device is not updated.
pub fn why<T: Copy + Ord>(situation: &Situation<T>) -> Reason<T> {
    let device = &situation.device;
    if device.is_deregistered {
        return match device.leaving_until {
            Some(until) if until > situation.now => Reason::Leaving { until },
            _ => Reason::Deregistered,
        };
    }
    let Some(command) = &situation.command else {
        return Reason::NothingAsked { was_heard_of: device.heard_at.is_some() };
    };
    let job = command.job;
    let said = || command.last.clone().unwrap_or_default();
    match command.state {
        S::Planned => of_planned(command),
        S::Queued => of_queued(situation, command),
        S::Sent => {
            let since = command.sent_at.unwrap_or(command.since);
            Reason::Silent { job, since, deadline_at: command.deadline_at }
        }
        state @ (S::Downloading | S::Downloaded | S::Installing | S::Verifying) => {
            Reason::AtWork { job, state, since: command.since, deadline_at: command.deadline_at }
        }
        S::Cancelling => Reason::Cancelling { job, deadline_at: command.deadline_at },
        S::Succeeded => Reason::UpToDate { job, at: command.since },
        S::Failed => Reason::Failed { job, attempts: command.attempt, said: said() },
        S::TimedOut => {
            let was_sent = command.sent_at.is_some() || command.attempt > 1;
            Reason::TimedOut { job, attempts: command.attempt, was_sent }
        }
        S::Rejected => Reason::Rejected { job, said: said() },
        S::Cancelled => Reason::Cancelled { job, by: command.stopped_by.clone() },
        S::Superseded => Reason::Superseded { job, newer: command.superseded_by },
    }
}

/// What holds a command that its job has not let go.
fn of_planned<T: Copy>(command: &CommandStanding<T>) -> Reason<T> {
    held_by_job(command).unwrap_or(Reason::WaitsForRelease(command.job))
}

/// What holds a command that was let go: the nearest obstacle on its way, seen from the job.
fn of_queued<T: Copy + Ord>(situation: &Situation<T>, command: &CommandStanding<T>) -> Reason<T> {
    let (device, job) = (&situation.device, command.job);
    if let Some(reason) = held_by_job(command) {
        return reason;
    }
    if let Some(until) = command.not_before.filter(|until| *until > situation.now) {
        return Reason::InPause { job, attempt: command.attempt, until, last: command.last.clone() };
    }
    // A device that asks takes it without a dispatcher and a queue.
    if device.channel != ChannelKind::Poll {
        if situation.ways.is_queue_paused {
            return Reason::QueueIsPaused(job);
        }
        if !situation.ways.has_dispatcher {
            return Reason::NoDispatcher(job);
        }
        // A device that is connected and has nothing to say is heard of when its turn has come.
        if situation.ways.has_backlog && device.heard_at.is_some() && !matches!(device.token, Token::Revoked(_)) {
            return Reason::WaitsForTurn(job);
        }
    }
    let channel = device.channel;
    match (device.token, device.heard_at) {
        // Simulated devices show no token.
        (Token::Revoked(at), _) if channel != ChannelKind::Simulated => Reason::TokenRevoked { job, at },
        (Token::Absent, None) if channel != ChannelKind::Simulated => Reason::TokenAbsent(job),
        (_, None) => Reason::NeverSeen { job, channel },
        (_, Some(heard_at)) if heard_at < command.since => Reason::NotSeenSince { job, channel, heard_at },
        (_, Some(_)) => Reason::WaitsForTurn(job),
    }
}

/// Whether the job itself keeps its commands.
fn held_by_job<T: Copy>(command: &CommandStanding<T>) -> Option<Reason<T>> {
    let (job, by) = (command.job, || command.stopped_by.clone());
    match command.job_state {
        JobState::Draft => Some(Reason::JobIsDraft(job)),
        JobState::Scheduled => Some(Reason::JobIsScheduled { job, at: command.start_at }),
        JobState::Paused if !command.is_expired => Some(Reason::JobIsPaused { job, by: by() }),
        JobState::Cancelled => Some(Reason::JobIsStopped { job, is_aborted: false, by: by() }),
        JobState::Aborted => Some(Reason::JobIsStopped { job, is_aborted: true, by: by() }),
        JobState::Running | JobState::Paused if command.is_expired => Some(Reason::JobIsOver(job)),
        JobState::Running | JobState::Paused | JobState::Completed => None,
    }
}

#[cfg(test)]
mod tests;
