//! A job is held, and goes on.

use drover_domain::{JobEvent, JobId};
use drover_store::{StoreError, jobs};

use super::{Control, JobStanding, subject};
use crate::{Action, Actor, Service, ServiceError};

impl Service {
    /// Holds a job: nothing more of it goes out until it is resumed. What devices are at work on goes on and is recorded, and
    /// the job's own time goes on too.
    pub async fn pause_job(&self, actor: &Actor, job: JobId) -> Result<JobStanding, ServiceError> {
        self.store().retrying("pause_job", || self.pause_once(actor, job)).await
    }

    async fn pause_once(&self, actor: &Actor, id: JobId) -> Result<JobStanding, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = self.lock_controlled(&tx, actor, id).await?;
        let state = Control::Pause.check(id, found.job.kind, found.job.state)?;
        let devices = self.count_affected(&tx, &found.job, &Control::Pause).await?.devices;
        jobs::apply(&tx, id, JobEvent::Pause, None).await?;
        // Unless it plans at the moment: then the planner sees to it when it is through.
        jobs::set_plan_due(&tx, id, Some(self.plan_lease())).await?;
        self.note(&tx, actor, Action::JobPaused, &subject(&found), (Some(devices), "")).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = actor.name, via = actor.via.as_str(), devices, "job paused");
        Ok(JobStanding { job: id, kind: found.job.kind, state, devices })
    }

    /// Lets a job go on that was held. What waits for its devices goes out at once, and not when it would be looked at again.
    pub async fn resume_job(&self, actor: &Actor, job: JobId) -> Result<JobStanding, ServiceError> {
        self.store().retrying("resume_job", || self.resume_once(actor, job)).await
    }

    async fn resume_once(&self, actor: &Actor, id: JobId) -> Result<JobStanding, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = self.lock_controlled(&tx, actor, id).await?;
        let state = Control::Resume.check(id, found.job.kind, found.job.state)?;
        let devices = self.count_affected(&tx, &found.job, &Control::Resume).await?.devices;
        jobs::apply(&tx, id, JobEvent::Resume, None).await?;
        self.call_planner(&tx, &found.job).await?;
        self.note(&tx, actor, Action::JobResumed, &subject(&found), (Some(devices), "")).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %id, by = actor.name, via = actor.via.as_str(), devices, "job resumed");
        Ok(JobStanding { job: id, kind: found.job.kind, state, devices })
    }
}
