//! The dispatcher's work: which commands go out, and that they went.

use drover_domain::{CommandState, Event, JobId, JobState};
use drover_messages::{DeviceSet, DispatchAction, DispatchCommands};
use drover_store::{
    StoreError,
    commands::{self, Addressee, Devices, Happening},
    jobs,
    tallies::Tally,
};

use crate::{Job, Service, ServiceError, moved::observe};

/// A chunk that may go out.
#[derive(Debug, Clone)]
pub struct DispatchChunk {
    /// The job, with what it brings.
    pub job: Job,
    /// The devices, and the way to each.
    pub addressees: Vec<Addressee>,
}

/// A message that no row stands behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no job {0}")]
pub struct InvalidMessage(pub i64);

impl Service {
    /// What of a message is to be handed to channels now: the rows decide. Empty when the job is paused or has ended, and
    /// for commands that went out, moved on or were cancelled meanwhile.
    pub async fn load_dispatch(
        &self,
        message: &DispatchCommands,
    ) -> Result<Result<DispatchChunk, InvalidMessage>, ServiceError> {
        let client = self.store().client().await?;
        let Some(job) = jobs::get_for_work(&client, JobId(message.job_id)).await? else {
            return Ok(Err(InvalidMessage(message.job_id)));
        };
        let devices = match &message.devices {
            DeviceSet::Range { first, last } => Devices::Range(*first, *last),
            DeviceSet::List { ids } => Devices::List(ids.clone()),
        };
        let addressees = match message.action {
            DispatchAction::Send { attempt } if job.state == JobState::Running => {
                commands::addressees(&client, job.id, &devices, CommandState::Queued, Some(attempt)).await?
            }
            DispatchAction::Send { .. } => Vec::new(),
            DispatchAction::Cancel => {
                commands::addressees(&client, job.id, &devices, CommandState::Cancelling, None).await?
            }
        };
        Ok(Ok(DispatchChunk { job, addressees }))
    }

    /// Notes that channels took the commands of `devices`. Returns those that were cancelled meanwhile and must be told.
    pub async fn record_sent(&self, job: &Job, attempt: i16, devices: &[i64]) -> Result<Vec<i64>, ServiceError> {
        Ok(self.store().retrying("record_sent", || self.record_sent_once(job, attempt, devices)).await?)
    }

    async fn record_sent_once(&self, job: &Job, attempt: i16, devices: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let mut tally = Tally::default();
        let happening = Happening {
            attempt: Some(attempt),
            attempt_timeout: job.policy.attempt_timeout(),
            ..Happening::new(job.id, devices, Event::Accepted)
        };
        let moved = commands::apply(&tx, &happening, &mut tally).await?;
        let cancelled = if moved.len() == devices.len() {
            Vec::new()
        } else {
            let stopped = drover_store::reports::standings(&tx, job.id, devices).await?;
            stopped.into_iter().filter(|s| s.state == CommandState::Cancelled).map(|s| s.device).collect()
        };
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        observe(job.kind, job.started_at, &moved);
        Ok(cancelled)
    }
}
