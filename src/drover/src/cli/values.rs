//! What is read from one word.

use drover_domain::{CommandId, CommandState, JobId, JobKind, JobState, Protocol, Role};

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be from 0 to 1".to_owned()) }
}

pub(super) fn command_state(text: &str) -> Result<CommandState, String> {
    CommandState::parse(text).ok_or_else(|| "is not failed, timed_out or cancelled".to_owned())
}

pub(super) fn command_id(text: &str) -> Result<CommandId, String> {
    text.parse().ok().and_then(CommandId::from_i64).ok_or_else(|| "is not the id of a command".to_owned())
}

pub(super) fn job_id(text: &str) -> Result<JobId, String> {
    text.parse().ok().filter(|id| *id > 0).map(JobId).ok_or_else(|| "is not the number of a job".to_owned())
}

pub(super) fn job_kind(name: &str) -> Result<JobKind, String> {
    let known = JobKind::ALL.map(JobKind::as_str).join(", ");
    JobKind::parse(name).ok_or_else(|| format!("is none of {known}"))
}

pub(super) fn job_state(name: &str) -> Result<JobState, String> {
    let known = JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(name).ok_or_else(|| format!("is none of {known}"))
}

pub(super) fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| "is tenant_admin, org_admin or read_only".to_owned())
}

pub(super) fn protocol(name: &str) -> Result<Protocol, String> {
    Protocol::parse(name).ok_or_else(|| "is tlink, mqtt or lwm2m".to_owned())
}
