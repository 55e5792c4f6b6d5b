//! An operator tries again what had ended.

use std::collections::HashSet;

use drover_domain::{CommandId, Event, JobEvent, JobId};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Happening, Moved},
    devices, jobs,
    tallies::Tally,
};

use crate::{Job, Product, Service, ServiceError};

impl Service {
    /// Tries commands again that failed, timed out or were cancelled: all of them, or none when one cannot be. A job that
    /// was finished runs again.
    pub async fn retry_commands(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        by: &str,
    ) -> Result<(), ServiceError> {
        self.store().retrying("retry_commands", || self.retry_commands_once(product, job, wanted, by)).await
    }

    async fn retry_commands_once(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        by: &str,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let (job, devices) = self.lock_commands(&tx, product, job, wanted).await?;
        if job.state.after(JobEvent::Reopen).is_none() {
            return Err(ServiceError::conflict(format!(
                "job {} is {}; nothing can be retried",
                job.id,
                job.state.as_str()
            )));
        }
        let busy = devices::busy(&tx, job.id.0, &devices, 1).await?;
        if let Some(uuid) = busy.first() {
            return Err(ServiceError::conflict(format!("device {uuid} is in another job that has not ended")));
        }
        let mut tally = Tally::default();
        let moved = self.retry_devices(&tx, &job, &devices, &mut tally).await?;
        if moved.len() < devices.len() {
            let goes: HashSet<i64> = moved.iter().map(|m| m.command.device.0).collect();
            let stays = devices.iter().find(|device| !goes.contains(device));
            let id = stays.map(|device| CommandId { job: job.id, device: drover_domain::DeviceId(*device) });
            let id = id.map_or_else(String::new, |id| id.to_string());
            return Err(ServiceError::conflict(format!("command {id} has not failed, timed out or been cancelled")));
        }
        jobs::apply(&tx, job.id, JobEvent::Reopen, None).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        metrics::counter!("drover_command_retries_total", "kind" => job.kind.as_str(), "by" => "operator")
            .increment(moved.len() as u64);
        tracing::info!(job = %job.id, by, commands = moved.len(), "commands retried");
        Ok(())
    }

    /// Tries commands of a job again, those that can be, and hands them out. The caller holds the job's lock.
    pub(crate) async fn retry_devices(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        devices: &[i64],
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let happening = Happening {
            retry_after: self.dispatch_lease(job.policy),
            retry_limit: job.policy.retry_limit,
            ..Happening::new(job.id, devices, Event::Retried)
        };
        let mut moved = commands::apply(tx, &happening, tally).await?;
        moved.sort_unstable_by_key(|m| (m.attempt, m.command));
        for same_attempt in moved.chunk_by(|a, b| a.attempt == b.attempt) {
            let ids = same_attempt.iter().map(|m| m.command.device.0).collect();
            self.hand_out(tx, job, same_attempt[0].attempt + 1, Devices::List(ids), tally).await?;
        }
        Ok(moved)
    }
}
