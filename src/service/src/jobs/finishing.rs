//! Jobs end with their last command.

use drover_domain::{JobEvent, JobId};
use drover_store::{StoreError, jobs};

use crate::{Service, ServiceError};

/// Jobs looked at in one step.
const BATCH: i64 = 100;

impl Service {
    /// Completes the running jobs that have nothing left to plan, release or wait for. Returns how many.
    pub async fn finish_jobs(&self) -> Result<usize, ServiceError> {
        let (mut finished, mut after) = (0, JobId(0));
        loop {
            let client = self.store().client().await?;
            let candidates = jobs::finished(&client, after, BATCH).await?;
            drop(client);
            let Some(last) = candidates.last() else { return Ok(finished) };
            after = *last;
            for job in candidates {
                finished += usize::from(self.store().retrying("finish_job", || self.finish_job(job)).await?);
            }
        }
    }

    /// Looks again under the job's lock: a device may have joined, or a command been retried, since it was a candidate.
    async fn finish_job(&self, id: JobId) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some((job, _)) = jobs::lock_for_planning(&tx, id).await? else { return Ok(false) };
        if jobs::finished(&tx, JobId(id.0 - 1), 1).await? != [id] {
            return Ok(false);
        }
        let completed = jobs::apply(&tx, id, JobEvent::LastCommandEnded, None).await?;
        tx.commit().await?;
        if completed {
            metrics::counter!("drover_jobs_finished_total", "kind" => job.kind.as_str(), "state" => "completed")
                .increment(1);
            tracing::info!(job = %id, devices = job.device_count, "job completed");
        }
        Ok(completed)
    }
}
