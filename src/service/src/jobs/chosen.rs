//! The commands that a caller names.

use std::collections::HashSet;

use drover_domain::{CommandId, DeviceId, JobId};
use drover_store::{Tx, reports};

use crate::{FirmwareJob, Product, Service, ServiceError};

impl Service {
    /// The job, locked, and the devices of those of its commands that are `wanted`, ascending, each once. Refuses what is not
    /// there.
    pub(crate) async fn lock_commands(
        &self,
        tx: &Tx<'_>,
        product: &Product,
        job: JobId,
        wanted: &[CommandId],
    ) -> Result<(FirmwareJob, Vec<i64>), ServiceError> {
        let job = self.lock_job(tx, product, job).await?;
        if let Some(foreign) = wanted.iter().find(|command| command.job != job.id) {
            return Err(ServiceError::not_found("command", foreign));
        }
        let devices = devices_of(wanted);
        let known: HashSet<i64> =
            reports::standings(tx, job.id, &devices).await?.into_iter().map(|standing| standing.device).collect();
        match devices.iter().find(|device| !known.contains(device)) {
            Some(device) => {
                let id = CommandId { job: job.id, device: DeviceId(*device) };
                Err(ServiceError::not_found("command", id))
            }
            None => Ok((job, devices)),
        }
    }
}

/// The devices of some commands of one job, ascending, each once: the order in which every transaction locks them.
pub(crate) fn devices_of(commands: &[CommandId]) -> Vec<i64> {
    let mut devices: Vec<i64> = commands.iter().map(|command| command.device.0).collect();
    devices.sort_unstable();
    devices.dedup();
    devices
}
