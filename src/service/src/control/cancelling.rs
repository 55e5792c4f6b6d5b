//! A whole job is stopped, as its family does it: of firmware devices are asked to stop; a publication takes with it what rests
//! on it; a distribution or push leaves alone what devices have begun.

use drover_domain::{JobEvent, JobId, JobKind};
use drover_store::{
    StoreError, Tx, control,
    control::Controlled,
    jobs,
    pushing::{assignments, pushes},
};

use super::{Control, JobStanding, subject};
use crate::{Action, Actor, Service, ServiceError};

/// What a job takes with it when it is stopped.
#[derive(Debug, Default)]
struct Along {
    jobs: Vec<JobId>,
    /// In words, for the audit.
    detail: String,
}

impl Service {
    /// Stops a job for good. What no device has ends; a planner sees to it, chunk by chunk.
    ///
    /// The first push of an assignment takes the assignment with it: nobody who joins later is given what was stopped, and no
    /// check offers it. A later one, which brought what had changed, leaves it standing.
    pub async fn cancel_job(&self, actor: &Actor, job: JobId) -> Result<JobStanding, ServiceError> {
        self.store().retrying("cancel_job", || self.cancel_job_once(actor, job)).await
    }

    async fn cancel_job_once(&self, actor: &Actor, id: JobId) -> Result<JobStanding, ServiceError> {
        actor.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let seen = control::find(&tx, &actor.reach, id).await?;
        let seen = seen.ok_or_else(|| ServiceError::not_found("job", id))?;
        // In the order in which all who stop such jobs lock: assignments, then jobs by their ids.
        let of_push =
            if seen.job.kind == JobKind::Push { self.take_along_of_push(&tx, &seen).await? } else { Along::default() };
        let found = self.lock_controlled(&tx, actor, id).await?;
        let state = Control::Cancel.check(id, found.job.kind, found.job.state)?;
        let devices = self.count_affected(&tx, &found.job, &Control::Cancel).await?.devices;
        let along =
            if found.job.kind == JobKind::Publish { self.take_along_of_publication(&tx, id).await? } else { of_push };
        jobs::apply(&tx, id, JobEvent::Cancel, None).await?;
        for other in &along.jobs {
            jobs::apply(&tx, *other, JobEvent::Cancel, None).await?;
        }
        let stopped: Vec<i64> = std::iter::once(&id).chain(&along.jobs).map(|job| job.0).collect();
        for job in jobs::rules(&tx, &stopped).await?.into_iter().filter(|job| job.kind.has_commands()) {
            self.call_planner_for(&tx, &job).await?;
        }
        self.note(&tx, actor, Action::JobCancelled, &subject(&found), (Some(devices), &along.detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = actor.name, via = actor.via.as_str(), devices, along = along.jobs.len(), "job cancelled");
        Ok(JobStanding { job: id, kind: found.job.kind, state, devices })
    }

    /// The distributions that rest on a publication, locked.
    async fn take_along_of_publication(&self, tx: &Tx<'_>, id: JobId) -> Result<Along, ServiceError> {
        let mut jobs = Vec::new();
        for job in control::resting_on(tx, id).await? {
            if jobs::lock_for_planning(tx, job).await?.is_some_and(|(job, _)| !job.state.is_terminal()) {
                jobs.push(job);
            }
        }
        let detail = match jobs.len() {
            0 => String::new(),
            1 => "1 distribution with it".to_owned(),
            count => format!("{count} distributions with it"),
        };
        Ok(Along { jobs, detail })
    }

    /// Ends the assignment that a push was made with, and locks what else carries it out. Refuses to stop what removes
    /// something that is gone when it is through.
    async fn take_along_of_push(&self, tx: &Tx<'_>, seen: &Controlled) -> Result<Along, ServiceError> {
        let id = seen.job.id;
        if pushes::standing(tx, id).await?.is_removing {
            let reason = format!("job {id} removes something that is being deleted: it can be paused, not cancelled");
            return Err(ServiceError::conflict(reason));
        }
        let Some(assignment) = assignments::end_of_first_push(tx, id).await? else { return Ok(Along::default()) };
        let jobs = pushes::lock_open_of(tx, &[assignment]).await?.into_iter().filter(|job| *job != id).collect();
        Ok(Along { jobs, detail: "its assignment ended with it".to_owned() })
    }
}
