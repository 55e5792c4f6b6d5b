//! A broker that kept nothing is told everything again: the embedded mode's start after a kill.

use drover_domain::{CommandState, JobId};
use drover_messages::{DispatchAction, DispatchCommands};
use drover_store::{
    StoreError,
    commands::{self, Devices},
    jobs, outbox, timers,
};

use crate::{Job, Service, ServiceError, jobs::outbox::device_set};

/// Jobs, and devices of one message, told in one step.
const BATCH: i64 = 500;
/// Commands looked at in one step.
const QUEUED_BATCH: i64 = 5000;

impl Service {
    /// Puts every unfinished work item back on its way: messages that were claimed, jobs to plan, commands that were
    /// queued, wishes to cancel. Only right while no other process uses the database with a broker of its own. Each of it
    /// may reach its worker twice, which every worker expects. Returns the jobs it found.
    ///
    /// Commands that were stopped for good, by force or by their cancel's deadline, are left out, although a kill may have
    /// come before their devices were told: the devices that a broker inside this process reaches are the simulated ones
    /// within the process, which end with it, and those that poll, which see that the command is gone from their list. To
    /// find the others would mean to read the commands of ended jobs too, for nobody's sake.
    pub async fn recover(&self) -> Result<usize, ServiceError> {
        outbox::release_all(&self.store().client().await?).await?;
        let (mut found, mut after) = (0, JobId(0));
        loop {
            let jobs = jobs::unfinished(&self.store().client().await?, after, BATCH).await?;
            let Some(last) = jobs.last() else { return Ok(found) };
            (found, after) = (found + jobs.len(), *last);
            for job in jobs {
                self.recover_job(job).await?;
            }
        }
    }

    async fn recover_job(&self, id: JobId) -> Result<(), ServiceError> {
        let Some(job) = jobs::get_for_work(&self.store().client().await?, id).await? else { return Ok(()) };
        let mut next = Some(0);
        while let Some(after) = next {
            next = self.store().retrying("recover_queued", || self.recover_queued(id, after)).await?;
        }
        let mut next = Some(0);
        while let Some(after) = next {
            next = self.store().retrying("recover_cancelling", || self.recover_cancelling(&job, after)).await?;
        }
        Ok(self.store().retrying("recover_job", || self.recover_planning(&job)).await?)
    }

    async fn recover_queued(&self, id: JobId, after: i64) -> Result<Option<i64>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let last = commands::make_queued_due(&tx, id, after, QUEUED_BATCH).await?;
        tx.commit().await?;
        Ok(last)
    }

    async fn recover_cancelling(&self, job: &Job, after: i64) -> Result<Option<i64>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let devices = commands::in_states(&tx, job.id, after, &[CommandState::Cancelling], BATCH).await?;
        let last = devices.last().copied();
        if last.is_some() {
            let devices = device_set(Devices::List(devices));
            let message = DispatchCommands { job_id: job.id.0, action: DispatchAction::Cancel, devices };
            self.post_dispatch(&tx, job.kind, &message, &job.trace_context).await?;
        }
        tx.commit().await?;
        Ok(last)
    }

    async fn recover_planning(&self, job: &Job) -> Result<(), StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        timers::ring(&tx, job.id).await?;
        self.call_planner(&tx, job).await?;
        tx.commit().await?;
        Ok(())
    }
}
