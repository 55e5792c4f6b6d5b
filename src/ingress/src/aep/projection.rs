//! Our states in the codes of the document, and back. Pure, and total: every combination has a code.

use chrono::{DateTime, TimeDelta, Utc};
use drover_domain::{CommandState as S, JobState, Phase, Protocol};
use drover_service::CommandCase;

/// The document's code of a protocol.
pub(super) const fn product_protocol(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::TLink => 1,
        Protocol::Mqtt => 2,
        Protocol::Lwm2m => 3,
    }
}

/// The document's code of a job: 1 not started, 2 running, 3 finished.
pub(super) const fn job_status(state: JobState) -> u8 {
    match state {
        JobState::Draft | JobState::Scheduled => 1,
        JobState::Running | JobState::Paused => 2,
        JobState::Completed | JobState::Cancelled | JobState::Aborted => 3,
    }
}

/// The codes that a command of this protocol can have.
pub(super) const fn task_states(protocol: Protocol) -> std::ops::RangeInclusive<u8> {
    match protocol {
        Protocol::Lwm2m => 0..=11,
        Protocol::TLink | Protocol::Mqtt => 1..=4,
    }
}

/// The document's code of a command. MQTT, for which the document has none, uses T-Link's.
pub(super) const fn task_state(protocol: Protocol, case: CommandCase) -> u8 {
    match protocol {
        Protocol::Lwm2m => lwm2m(case),
        Protocol::TLink | Protocol::Mqtt => tlink(case.state),
    }
}

const fn lwm2m(CommandCase { state, prior_state, cancel_refused }: CommandCase) -> u8 {
    match state {
        S::Succeeded => 8,
        S::Cancelling => 9,
        S::Cancelled | S::Superseded => 10,
        // The odd codes are the failures of the step before them.
        S::Failed | S::TimedOut | S::Rejected => match Phase::of(state, prior_state) {
            Phase::Feasibility => 1,
            Phase::Assign => 3,
            Phase::Download => 5,
            Phase::Install | Phase::Verify => 7,
        },
        _ if cancel_refused => 11,
        S::Planned | S::Queued => 0,
        S::Sent => 2,
        // The document has no code for a file that is there. 6 would say that the upgrade has begun; what has been done last is
        // the download, 4. A failure from here is none of the download, see Phase.
        S::Downloading | S::Downloaded => 4,
        S::Installing | S::Verifying => 6,
    }
}

const fn tlink(state: S) -> u8 {
    match state {
        S::Planned | S::Queued => 1,
        S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying | S::Cancelling => 2,
        S::Succeeded => 3,
        S::Failed | S::TimedOut | S::Rejected | S::Cancelled | S::Superseded => 4,
    }
}

/// Every combination of state, state before it and refused cancel that has this code: the filter of `taskStatus`.
pub(super) fn cases_of(protocol: Protocol, code: u8) -> Vec<CommandCase> {
    cases().filter(|case| task_state(protocol, *case) == code).collect()
}

fn cases() -> impl Iterator<Item = CommandCase> {
    S::ALL.into_iter().flat_map(|state| {
        S::ALL.into_iter().flat_map(move |prior_state| {
            [false, true].map(|cancel_refused| CommandCase { state, prior_state, cancel_refused })
        })
    })
}

/// The document's result code: "-1" before the first attempt went out, "999" while it runs, then the device's own.
pub(super) fn result_code(state: S, attempt: i16, of_device: Option<&str>) -> String {
    let code = match state {
        S::Planned | S::Queued if attempt <= 1 => "-1",
        open if !open.is_terminal() => "999",
        ended => of_device.unwrap_or(if matches!(ended, S::Succeeded) { "0" } else { ended.as_str() }),
    };
    code.to_owned()
}

/// How long a job has run, "X时Y分"; empty before its start.
pub(super) fn take_time(started: Option<DateTime<Utc>>, finished: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(started) = started else { return String::new() };
    // Clocks of several machines differ a little; a job never ran for less than nothing.
    let minutes = (finished.unwrap_or(now) - started).num_minutes().max(0);
    format!("{}时{}分", minutes / 60, minutes % 60)
}

/// A time as the document writes it, in China's time, which has no summer time.
pub(super) fn text_time(time: DateTime<Utc>) -> String {
    (time + TimeDelta::hours(8)).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests;
