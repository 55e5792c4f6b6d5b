//! A broker that kept nothing is told everything again: the embedded mode's start after a kill.

use drover_domain::{CommandState, JobId};
use drover_messages::{DispatchAction, DispatchCommands, PlanJob};
use drover_store::{
    StoreError,
    commands::{self, Devices},
    jobs, outbox,
};

use crate::{Service, ServiceError, outbox::device_set};

/// Jobs, and devices of one message, told in one step.
const BATCH: i64 = 500;

impl Service {
    /// Puts every unfinished work item back on its way: messages that were claimed, jobs to plan, commands that were
    /// queued, wishes to cancel. Only right while no other process uses the database with a broker of its own. Each of it
    /// may reach its worker twice, which every worker expects. Returns the jobs it found.
    pub async fn recover(&self) -> Result<usize, ServiceError> {
        outbox::release_all(&self.store().client().await?).await?;
        let (mut found, mut after) = (0, JobId(0));
        loop {
            let jobs = jobs::unfinished(&self.store().client().await?, after, BATCH).await?;
            let Some(last) = jobs.last() else { return Ok(found) };
            (found, after) = (found + jobs.len(), *last);
            for job in jobs {
                self.store().retrying("recover_job", || self.recover_job(job)).await?;
            }
        }
    }

    async fn recover_job(&self, id: JobId) -> Result<(), StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some(job) = jobs::rules(&tx, &[id.0]).await?.pop() else { return Ok(()) };
        self.post_plan(&tx, job.kind, &PlanJob { job_id: id.0 }, &job.trace_context).await?;
        commands::make_queued_due(&tx, id).await?;
        let mut after = 0;
        loop {
            let devices = commands::in_states(&tx, id, after, &[CommandState::Cancelling], BATCH).await?;
            let Some(last) = devices.last() else { break };
            after = *last;
            let devices = device_set(Devices::List(devices));
            let message = DispatchCommands { job_id: id.0, action: DispatchAction::Cancel, devices };
            self.post_dispatch(&tx, job.kind, &message, &job.trace_context).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
