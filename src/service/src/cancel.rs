//! Commands are cancelled: at once when no device has them, by asking the device otherwise.

use std::collections::HashSet;

use drover_domain::{CommandId, CommandState, Event, JobId};
use drover_messages::{DispatchAction, DispatchCommands};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Happening, Moved},
    outcomes, reports,
    tallies::Tally,
    timers,
};

use crate::{Job, Product, Service, ServiceError, moved::ended, outbox::device_set};

impl Service {
    /// Cancels commands of a job: all of them, or none when one is unknown or has ended. Asking again is no error.
    pub async fn cancel_commands(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        by: &str,
    ) -> Result<(), ServiceError> {
        self.store().retrying("cancel_commands", || self.cancel_commands_once(product, job, wanted, by)).await
    }

    async fn cancel_commands_once(
        &self,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
        by: &str,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let job = self.lock_job(&tx, product, job).await?;
        let devices = devices_of(&job, wanted)?;
        self.require_known(&tx, &job, &devices).await?;
        let mut tally = Tally::default();
        let moved = self.cancel_devices(&tx, &job, &devices, &mut tally).await?;
        let stopped: HashSet<i64> = moved.iter().map(|moved| moved.command.device.0).collect();
        let standings = reports::standings(&tx, job.id, &devices).await?;
        let ended_before =
            standings.iter().find(|standing| standing.state.is_terminal() && !stopped.contains(&standing.device));
        if let Some(standing) = ended_before {
            let id = CommandId { job: job.id, device: drover_domain::DeviceId(standing.device) };
            return Err(ServiceError::conflict(format!("command {id} has ended ({})", standing.state.as_str())));
        }
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(job = %job.id, by, commands = moved.len(), "commands cancelled");
        Ok(())
    }

    /// Cancels the commands of some devices of a job, whatever state they are in.
    pub(crate) async fn cancel_devices(
        &self,
        tx: &Tx<'_>,
        job: &Job,
        devices: &[i64],
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let cancel_timeout = self.options().cancel_timeout;
        let happening = Happening { cancel_timeout, ..Happening::new(job.id, devices, Event::CancelRequested) };
        let moved = commands::apply(tx, &happening, tally).await?;
        outcomes::insert(tx, &ended(&moved)).await?;
        let asked: Vec<i64> =
            moved.iter().filter(|m| m.to == CommandState::Cancelling).map(|m| m.command.device.0).collect();
        for asked in self.chunks(Devices::List(asked)) {
            timers::insert(tx, job.id, &asked, cancel_timeout).await?;
            let message =
                DispatchCommands { job_id: job.id.0, action: DispatchAction::Cancel, devices: device_set(asked) };
            self.post_dispatch(tx, job.kind, &message, &job.trace_context).await?;
        }
        Ok(moved)
    }

    /// Refuses devices that have no command in this job.
    pub(crate) async fn require_known(&self, tx: &Tx<'_>, job: &Job, devices: &[i64]) -> Result<(), ServiceError> {
        let known: HashSet<i64> =
            reports::standings(tx, job.id, devices).await?.into_iter().map(|standing| standing.device).collect();
        match devices.iter().find(|device| !known.contains(device)) {
            Some(device) => {
                let id = CommandId { job: job.id, device: drover_domain::DeviceId(*device) };
                Err(ServiceError::not_found("command", id))
            }
            None => Ok(()),
        }
    }
}

/// The devices of commands that must all be of this job, ascending, each once.
pub(crate) fn devices_of(job: &Job, wanted: &[CommandId]) -> Result<Vec<i64>, ServiceError> {
    if let Some(foreign) = wanted.iter().find(|command| command.job != job.id) {
        return Err(ServiceError::not_found("command", foreign));
    }
    let mut devices: Vec<i64> = wanted.iter().map(|command| command.device.0).collect();
    devices.sort_unstable();
    devices.dedup();
    Ok(devices)
}
