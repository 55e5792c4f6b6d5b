//! What operators do to whole jobs: they are held, go on, are stopped, and what failed in them is tried again. See
//! docs/control.md.

mod affected;
mod cancelling;
mod holding;
mod retrying;

use drover_domain::{JobEvent, JobId, JobKind, JobState};
use drover_store::{
    Tx,
    control::{self, Controlled},
};

use crate::{Actor, Service, ServiceError, audit::Subject};

pub use affected::Affected;
pub use retrying::RetryFilter;

/// What can be done to a whole job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Hold it.
    Pause,
    /// Let it go on.
    Resume,
    /// Stop it for good.
    Cancel,
    /// Try again what failed in it.
    Retry(RetryFilter),
}

/// How a job stands after something was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobStanding {
    /// The job.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands now.
    pub state: JobState,
    /// How many devices were affected, as far as was known.
    pub devices: i64,
}

impl Control {
    /// What happens to the job.
    const fn event(&self) -> JobEvent {
        match self {
            Self::Pause => JobEvent::Pause,
            Self::Resume => JobEvent::Resume,
            Self::Cancel => JobEvent::Cancel,
            Self::Retry(_) => JobEvent::Reopen,
        }
    }

    /// Where the job stands afterwards. Refuses what is not possible with a job of this kind, or not now.
    pub(crate) fn check(&self, job: JobId, kind: JobKind, state: JobState) -> Result<JobState, ServiceError> {
        let refused = |reason: &str| Err(ServiceError::conflict(format!("job {job} {reason}")));
        if !kind.has_commands() && *self != Self::Cancel {
            return refused(
                "is a publication, which offers a version and gives no device a command: it can only be cancelled",
            );
        }
        let name = state.as_str();
        match (self, state.after(self.event())) {
            (_, Some(after)) => Ok(after),
            (Self::Pause, None) => refused(&format!("is {name}: only a job that runs can be paused")),
            (Self::Resume, None) => refused(&format!("is {name}: only a paused job can be resumed")),
            (Self::Cancel, None) => refused(&format!("is {name} and cannot be cancelled any more")),
            (Self::Retry(_), None) if state == JobState::Paused => {
                refused("is paused: resume it before anything is tried again")
            }
            (Self::Retry(_), None) => refused(&format!("is {name}: nothing of it can be tried again")),
        }
    }
}

impl Service {
    /// A job that an operator may step into, locked.
    async fn lock_controlled(&self, tx: &Tx<'_>, actor: &Actor, id: JobId) -> Result<Controlled, ServiceError> {
        actor.require_write()?;
        let found = control::lock(tx, &actor.reach, id).await?;
        let found = found.ok_or_else(|| ServiceError::not_found("job", id))?;
        self.require_reached(tx, actor, &found).await?;
        Ok(found)
    }

    /// Refuses a publication or distribution that reaches beyond the operator's organisation.
    async fn require_reached(&self, tx: &Tx<'_>, actor: &Actor, found: &Controlled) -> Result<(), ServiceError> {
        if actor.runs_installation() || !matches!(found.job.kind, JobKind::Publish | JobKind::Distribute) {
            return Ok(());
        }
        let reached = control::reached(tx, found.job.id).await?;
        if reached.iter().all(|path| actor.reach.has(found.job.tenant, Some(path))) {
            return Ok(());
        }
        let reason = format!("job {} reaches beyond this operator's organisation", found.job.id);
        Err(ServiceError::Forbidden { reason })
    }
}

/// The job as what an audit entry is about.
fn subject(found: &Controlled) -> Subject {
    Subject { kind: "job", id: found.job.id.to_string(), owner: Some((found.job.tenant, found.organisation)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_the_job_is() {
        let retry = || Control::Retry(RetryFilter::default());
        for (what, kind, state, reason) in [
            (Control::Pause, JobKind::Publish, JobState::Running, "is a publication"),
            (Control::Resume, JobKind::Publish, JobState::Paused, "is a publication"),
            (retry(), JobKind::Publish, JobState::Completed, "is a publication"),
            (Control::Pause, JobKind::Push, JobState::Scheduled, "is scheduled"),
            (Control::Resume, JobKind::Firmware, JobState::Running, "is running"),
            (Control::Cancel, JobKind::Firmware, JobState::Completed, "is completed"),
            (retry(), JobKind::Firmware, JobState::Paused, "is paused: resume it"),
            (retry(), JobKind::Firmware, JobState::Cancelled, "is cancelled"),
        ] {
            let refused = what.check(JobId(7), kind, state).map_err(|error| error.to_string());
            assert!(refused.as_ref().is_err_and(|error| error.contains(reason)), "{what:?} {state:?} {refused:?}");
        }
    }

    #[test]
    fn each_leaves_the_job_where_the_rule_says() {
        for (what, from, to) in [
            (Control::Pause, JobState::Running, JobState::Paused),
            (Control::Resume, JobState::Paused, JobState::Running),
            (Control::Cancel, JobState::Paused, JobState::Cancelled),
            (Control::Retry(RetryFilter::default()), JobState::Completed, JobState::Running),
        ] {
            assert_eq!(what.check(JobId(7), JobKind::Distribute, from).ok(), Some(to));
        }
        assert!(Control::Cancel.check(JobId(7), JobKind::Publish, JobState::Running).is_ok());
    }
}
