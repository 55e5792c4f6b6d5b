//! Commands are cancelled: at once when no device has them, else by asking the device, or by force. See docs/cancel.md.

use std::collections::{HashMap, HashSet};

use drover_domain::{CommandId, CommandState, DeviceId, Event, JobId};
use drover_messages::{DispatchAction, DispatchCommands};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Happening, Moved},
    jobs, outcomes, reports,
    tallies::Tally,
    timers,
};

use crate::{
    Job, Product, Service, ServiceError,
    jobs::chosen::devices_of,
    jobs::moved::{ended, observe},
    jobs::outbox::device_set,
};

/// How commands that a device has are cancelled. Those that no device has end at once in either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelMode {
    /// Ask the device, and wait for its answer until the cancel's deadline.
    Soft,
    /// End it now. The device is told, and nobody waits for what it says.
    Force,
}

impl CancelMode {
    const fn event(self) -> Event {
        match self {
            Self::Soft => Event::CancelRequested,
            Self::Force => Event::CancelForced,
        }
    }

    /// The mode's name in logs.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Force => "force",
        }
    }
}

/// What became of a command that was to be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelResult {
    /// It has ended now.
    Cancelled,
    /// Its device is asked to stop, or was before: its answer ends the command, or the cancel's deadline.
    Asked,
    /// It had ended before, in this state, and stays as it is.
    HadEnded(CommandState),
    /// There is no such command.
    Unknown,
}

impl Service {
    /// Cancels commands of a job: all of them, or none when one is unknown or has ended. Asking again is no error.
    pub async fn cancel_commands(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        mode: CancelMode,
        by: &str,
    ) -> Result<(), ServiceError> {
        self.store().retrying("cancel_commands", || self.cancel_commands_once(product, job, wanted, mode, by)).await
    }

    async fn cancel_commands_once(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        mode: CancelMode,
        by: &str,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let (job, devices) = self.lock_commands(&tx, product, job, wanted).await?;
        let (moved, results) = self.cancel_locked(&tx, &job, &devices, mode).await?;
        for (command, result) in results {
            if let CancelResult::HadEnded(state) = result {
                return Err(ServiceError::conflict(format!("command {command} has ended ({})", state.as_str())));
            }
        }
        tx.commit().await.map_err(StoreError::from)?;
        note(&job, mode, by, &moved);
        Ok(())
    }

    /// Cancels commands of any jobs, each if it can be: for the command line, whose user owns the database. The answer names
    /// each command once, in order. Those of one job are cancelled together; when an error ends it, jobs before it are done.
    pub async fn cancel_each(
        &self,
        wanted: &[CommandId],
        mode: CancelMode,
        by: &str,
    ) -> Result<Vec<(CommandId, CancelResult)>, ServiceError> {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        let mut results = Vec::with_capacity(wanted.len());
        for of_job in wanted.chunk_by(|a, b| a.job == b.job) {
            let (job, devices) = (of_job[0].job, devices_of(of_job));
            let cancelled =
                self.store().retrying("cancel_each", || self.cancel_each_once(job, &devices, mode, by)).await?;
            results.extend(cancelled);
        }
        Ok(results)
    }

    async fn cancel_each_once(
        &self,
        job: JobId,
        devices: &[i64],
        mode: CancelMode,
        by: &str,
    ) -> Result<Vec<(CommandId, CancelResult)>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some((job, _)) = jobs::lock_for_planning(&tx, job).await? else {
            let unknown = |device: &i64| (CommandId { job, device: DeviceId(*device) }, CancelResult::Unknown);
            return Ok(devices.iter().map(unknown).collect());
        };
        let (moved, results) = self.cancel_locked(&tx, &job, devices, mode).await?;
        tx.commit().await?;
        note(&job, mode, by, &moved);
        Ok(results)
    }

    /// Cancels commands under their job's lock, and says of each device what became of its command.
    async fn cancel_locked(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        devices: &[i64],
        mode: CancelMode,
    ) -> Result<(Vec<Moved>, Vec<(CommandId, CancelResult)>), StoreError> {
        let mut tally = Tally::default();
        let moved = self.cancel_devices(tx, job, devices, mode.event(), &mut tally).await?;
        let stopped: HashSet<i64> = moved.iter().map(|moved| moved.command.device.0).collect();
        let standings = reports::standings(tx, job.id, devices).await?;
        let states: HashMap<i64, CommandState> = standings.into_iter().map(|s| (s.device, s.state)).collect();
        let result = |device: &i64| {
            let result = match states.get(device) {
                None => CancelResult::Unknown,
                Some(CommandState::Cancelling) => CancelResult::Asked,
                Some(_) if stopped.contains(device) => CancelResult::Cancelled,
                Some(state) => CancelResult::HadEnded(*state),
            };
            (CommandId { job: job.id, device: DeviceId(*device) }, result)
        };
        tally.write(tx, self.store().tally_shard()).await?;
        Ok((moved, devices.iter().map(result).collect()))
    }

    /// Does to the commands of some devices of a job what a wish to stop them does, whatever state they are in.
    pub(crate) async fn cancel_devices(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        devices: &[i64],
        wish: Event,
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let cancel_timeout = self.options().cancel_timeout;
        let happening = Happening { cancel_timeout, ..Happening::new(job.id, devices, wish) };
        let moved = commands::apply(tx, &happening, tally).await?;
        outcomes::insert(tx, &ended(&moved), tally).await?;
        let devices_that = |is: fn(&&Moved) -> bool| moved.iter().filter(is).map(|m| m.command.device.0).collect();
        for waiting in self.chunks(Devices::List(devices_that(|m| m.to == CommandState::Cancelling))) {
            timers::insert(tx, job.id, &waiting, cancel_timeout).await?;
        }
        // Of a command that was still queued, whoever notes that its channel has it tells the device.
        for told in self.chunks(Devices::List(devices_that(|m| m.from.is_handed_over()))) {
            let message =
                DispatchCommands { job_id: job.id.0, action: DispatchAction::Cancel, devices: device_set(told) };
            self.post_dispatch(tx, job.kind, &message, &job.trace_context).await?;
        }
        Ok(moved)
    }
}

fn note(job: &Job, mode: CancelMode, by: &str, moved: &[Moved]) {
    observe(job.kind, None, moved);
    tracing::info!(job = %job.id, by, mode = mode.as_str(), commands = moved.len(), "commands cancelled");
}
