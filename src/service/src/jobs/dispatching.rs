//! The dispatcher's work: which commands go out, and that they went.

use drover_domain::{CommandState, Event, JobId, JobState};
use drover_messages::{DeviceSet, DispatchAction, DispatchCommands};
use drover_store::{
    Artifact, StoreError, artifacts,
    commands::{self, Addressee, Devices, Happening},
    jobs,
    tallies::Tally,
};

use crate::{Job, Service, ServiceError, jobs::moved::observe};

/// A chunk that may go out.
#[derive(Debug, Clone)]
pub struct DispatchChunk {
    /// The job.
    pub job: Job,
    /// What it brings; `None` when nobody is to be told of it.
    pub artifact: Option<Artifact>,
    /// The devices, and the way to each.
    pub addressees: Vec<Addressee>,
}

/// A message that no row stands behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no job {0}")]
pub struct InvalidMessage(pub i64);

impl Service {
    /// What of a message is to be handed to channels now: the rows decide. Empty when the job is paused, has ended or is out of time, and
    /// for commands that went out, moved on or were cancelled meanwhile.
    pub async fn load_dispatch(
        &self,
        message: &DispatchCommands,
    ) -> Result<Result<DispatchChunk, InvalidMessage>, ServiceError> {
        let client = self.store().client().await?;
        let Some(job) = jobs::get_for_work(&client, JobId(message.job_id)).await? else {
            return Ok(Err(InvalidMessage(message.job_id)));
        };
        let devices = devices_of(&message.devices);
        let addressees = match message.action {
            DispatchAction::Send { attempt } if may_send(&job) => {
                commands::addressees(&client, job.id, &devices, CommandState::Queued, Some(attempt)).await?
            }
            DispatchAction::Send { .. } => Vec::new(),
            DispatchAction::Cancel => commands::to_stop(&client, job.id, &devices).await?,
        };
        let brings = matches!(message.action, DispatchAction::Send { .. }) && !addressees.is_empty();
        let artifact = if brings { artifacts::of_job(&client, &job).await? } else { None };
        Ok(Ok(DispatchChunk { job, artifact, addressees }))
    }

    /// The commands of a message, delivered before, that were stopped since: perhaps their channel took them then and nobody
    /// noted it, so their devices must be told.
    pub async fn load_stopped(
        &self,
        job: JobId,
        attempt: i16,
        devices: &DeviceSet,
    ) -> Result<Vec<Addressee>, ServiceError> {
        let client = self.store().client().await?;
        let devices = devices_of(devices);
        let mut stopped = commands::addressees(&client, job, &devices, CommandState::Cancelled, Some(attempt)).await?;
        stopped.extend(commands::addressees(&client, job, &devices, CommandState::Superseded, Some(attempt)).await?);
        Ok(stopped)
    }

    /// Notes that channels took the commands of `devices`. Returns those that were stopped meanwhile and must be told.
    pub async fn record_sent(&self, job: &Job, attempt: i16, devices: &[i64]) -> Result<Vec<i64>, ServiceError> {
        Ok(self.store().retrying("record_sent", || self.record_sent_once(job, attempt, devices)).await?.1)
    }

    /// Notes that a device took its queued command itself. `false`: the command has moved meanwhile.
    pub(crate) async fn take_queued(&self, job: &Job, attempt: i16, device: i64) -> Result<bool, ServiceError> {
        let take = || self.record_sent_once(job, attempt, std::slice::from_ref(&device));
        Ok(self.store().retrying("take_queued", take).await?.0 == 1)
    }

    /// Returns how many commands are sent by it, and those that were stopped meanwhile.
    async fn record_sent_once(
        &self,
        job: &Job,
        attempt: i16,
        devices: &[i64],
    ) -> Result<(usize, Vec<i64>), StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let mut tally = Tally::default();
        let happening = Happening {
            attempt: Some(attempt),
            attempt_timeout: job.policy.attempt_timeout(),
            ..Happening::new(job.id, devices, Event::Accepted)
        };
        let moved = commands::apply(&tx, &happening, &mut tally).await?;
        let stopped = if moved.len() == devices.len() {
            Vec::new()
        } else {
            let standings = drover_store::reports::standings(&tx, job.id, devices).await?;
            standings
                .into_iter()
                .filter(|s| matches!(s.state, CommandState::Cancelled | CommandState::Superseded))
                .map(|s| s.device)
                .collect()
        };
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        observe(job.kind, job.started_at, &moved);
        Ok((moved.len(), stopped))
    }
}

/// Whether a job's queued commands may go to their devices now.
pub(crate) fn may_send(job: &Job) -> bool {
    job.state == JobState::Running && !job.is_expired
}

fn devices_of(set: &DeviceSet) -> Devices {
    match set {
        DeviceSet::Range { first, last } => Devices::Range(*first, *last),
        DeviceSet::List { ids } => Devices::List(ids.clone()),
    }
}
