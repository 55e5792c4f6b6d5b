//! What failed in a job is tried again: written down at once, and carried out by the planner, chunk by chunk.

use drover_domain::{CommandState, JobEvent, JobId, JobKind};
use drover_store::{
    StoreError, Tx,
    clients::publications,
    control::{Controlled, retries},
    failures, jobs,
    pushing::pushes,
    tallies::Tally,
};

use super::{Control, JobStanding, subject};
use crate::{Action, Actor, Job, Service, ServiceError};

/// The states from which a command can be tried again.
const STATES: [CommandState; 3] = [CommandState::Failed, CommandState::TimedOut, CommandState::Cancelled];
/// The longest code that a filter names.
const CODE_MAX_CHARS: usize = 128;

/// Which ended commands of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryFilter {
    /// Those that ended in one of these states.
    pub states: Vec<CommandState>,
    /// Of these, those whose last attempt ended with this code of the device's; `None`: whatever it was.
    pub code: Option<String>,
}

impl Default for RetryFilter {
    /// What failed, and what did not answer in time.
    fn default() -> Self {
        Self { states: vec![CommandState::Failed, CommandState::TimedOut], code: None }
    }
}

impl RetryFilter {
    /// With its code as it is counted and shown: cleaned, and no longer than that.
    pub(super) fn checked(&self) -> Result<Self, ServiceError> {
        if self.states.is_empty() || !self.states.iter().all(|state| STATES.contains(state)) {
            return Err(ServiceError::invalid("state", "is one or more of failed, timed_out, cancelled"));
        }
        let is_code =
            |code: &String| !code.is_empty() && code.chars().count() <= CODE_MAX_CHARS && !code.contains('\0');
        if self.code.as_ref().is_some_and(|code| !is_code(code)) {
            return Err(ServiceError::invalid("code", format!("is a text of 1 to {CODE_MAX_CHARS} characters")));
        }
        let code = self.code.as_deref().map(failures::code_of);
        if code.as_ref().is_some_and(String::is_empty) {
            return Err(ServiceError::invalid("code", "holds control characters alone"));
        }
        Ok(Self { states: self.states.clone(), code })
    }

    /// In words, for the audit.
    fn detail(&self) -> String {
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let code = self.code.as_ref().map(|code| format!(", code {code}")).unwrap_or_default();
        format!("{}{code}", states.join(", "))
    }
}

impl Service {
    /// Tries again what failed in a job, or what else the filter names. A job that had completed runs again. The call takes as
    /// long for one device as for a million: the planner goes over them afterwards. Devices that are at work for another job, or
    /// have been given something newer, are passed by.
    pub async fn retry_failed(
        &self,
        actor: &Actor,
        job: JobId,
        filter: &RetryFilter,
    ) -> Result<JobStanding, ServiceError> {
        actor.require_write()?;
        let filter = filter.checked()?;
        self.store().retrying("retry_failed", || self.retry_failed_once(actor, job, &filter)).await
    }

    async fn retry_failed_once(
        &self,
        actor: &Actor,
        id: JobId,
        filter: &RetryFilter,
    ) -> Result<JobStanding, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = self.lock_controlled(&tx, actor, id).await?;
        let what = Control::Retry(filter.clone());
        let state = what.check(id, found.job.kind, found.job.state)?;
        if retries::open(&tx, id).await?.is_some() {
            return Err(ServiceError::conflict(format!("job {id} is being tried again already")));
        }
        let devices = self.count_affected(&tx, &found.job, &what).await?.devices;
        if devices == 0 {
            return Err(ServiceError::conflict(format!(
                "nothing of job {id} is left to be tried again: {}",
                filter.detail()
            )));
        }
        self.reopen(&tx, &found).await?;
        retries::insert(&tx, id, &filter.states, filter.code.as_deref(), &actor.name).await?;
        self.call_planner(&tx, &found.job).await?;
        self.note(&tx, actor, Action::JobRetried, &subject(&found), (Some(devices), &filter.detail())).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = actor.name, via = actor.via.as_str(), devices, filter = filter.detail(), "job tried again");
        Ok(JobStanding { job: id, kind: found.job.kind, state, devices })
    }

    /// Has a job run again, if what it brings is still to be brought.
    async fn reopen(&self, tx: &Tx<'_>, found: &Controlled) -> Result<(), ServiceError> {
        let Job { id, kind, tenant, .. } = found.job;
        let mut latest = None;
        match kind {
            JobKind::Push => {
                let standing = pushes::standing(tx, id).await?;
                if standing.is_removing || standing.is_taken_back {
                    let reason = format!("what job {id} brings was taken back or replaced since");
                    return Err(ServiceError::conflict(reason));
                }
            }
            JobKind::Distribute => {
                let over = || ServiceError::conflict(format!("what job {id} brings is not published any more"));
                let distribution = publications::lock(tx, tenant, kind, id).await?.ok_or_else(over)?;
                let (target, _) = distribution.reached.first().ok_or_else(over)?;
                let coverage = publications::lock_coverage(tx, distribution.version, &target.path).await?;
                latest = coverage.ok_or_else(over)?.expires_at;
            }
            JobKind::Publish | JobKind::Firmware => {}
        }
        jobs::apply(tx, id, JobEvent::Reopen, None).await?;
        if let Some(latest) = latest {
            jobs::cap_expiry(tx, id, latest).await?;
        }
        Ok(())
    }

    /// Tries the next chunk of what failed again, in the planner's transaction and under the job's lock. Returns whether there
    /// was one.
    pub(crate) async fn retry_next_chunk(&self, tx: &Tx<'_>, job: &Job, tally: &mut Tally) -> Result<bool, StoreError> {
        let Some(retry) = retries::open(tx, job.id).await? else { return Ok(false) };
        if job.kind == JobKind::Push {
            pushes::take_turn(tx, job.id).await?;
        }
        let chunk = retries::chunk(tx, job.id, &retry, i64::from(self.options().plan_chunk)).await?;
        let retried = self.retry_devices(tx, job, &chunk.wanted, tally).await?.len();
        retries::advance(tx, retry.id, &chunk, i64::try_from(retried).unwrap_or(i64::MAX)).await?;
        metrics::counter!("drover_command_retries_total", "kind" => job.kind.as_str(), "by" => "operator")
            .increment(retried as u64);
        tracing::debug!(job = %job.id, retried, busy = chunk.busy, "a chunk is tried again");
        Ok(true)
    }
}
