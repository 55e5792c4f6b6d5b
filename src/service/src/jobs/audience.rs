//! Devices join a job.

use std::collections::HashSet;

use drover_domain::{CommandState, DeviceId, JobId, JobKind, JobState};
use drover_store::{
    StoreError, Tx, audiences,
    audiences::{Audience, Making},
    devices,
    pushing::{installs, pushes},
    tallies::Tally,
};

use crate::{Job, Product, Service, ServiceError, jobs::planning::is_held};

/// Who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// These devices, by their names for themselves.
    Devices(Vec<String>),
    /// Every device of the product that can.
    Everyone,
}

/// Offenders named in an error.
const NAMED: u8 = 5;

impl Service {
    /// Lets devices join a job that has not ended: all of them, or none when one cannot. Devices that joined before stay as
    /// they are. The first chunk is planned at once, so that the caller of a small job sees its commands; the rest is the
    /// planner's, however many there are.
    pub async fn join_devices(&self, product: &Product, job: JobId, who: Join, by: &str) -> Result<(), ServiceError> {
        self.store().retrying("join_devices", || self.join_devices_once(product, job, &who, by)).await
    }

    async fn join_devices_once(&self, product: &Product, job: JobId, who: &Join, by: &str) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let job = self.lock_job(&tx, product, job).await?;
        if job.state.is_terminal() {
            return Err(ServiceError::conflict(format!("job {} has ended; no device can join", job.id)));
        }
        let audience = match who {
            Join::Everyone => Audience::Product,
            Join::Devices(uuids) => Audience::Devices(self.resolve(&tx, product, &job, uuids).await?),
        };
        audiences::insert(&tx, job.id, &audience, by).await?;
        let mut tally = Tally::default();
        self.plan_next_chunk(&tx, &job, &mut tally).await?;
        self.call_planner(&tx, &job).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let devices = if let Audience::Devices(devices) = &audience { devices.len() } else { 0 };
        tracing::info!(job = %job.id, by, devices, everyone = audience == Audience::Product, "devices joined");
        Ok(())
    }

    async fn resolve(
        &self,
        tx: &Tx<'_>,
        product: &Product,
        job: &Job,
        uuids: &[String],
    ) -> Result<Vec<DeviceId>, ServiceError> {
        if uuids.is_empty() {
            return Err(ServiceError::invalid("devices", "names no device"));
        }
        let found = devices::of_product_by_uuid(tx, product.id, uuids).await?;
        let known: HashSet<&str> = found.iter().map(|(_, uuid)| uuid.as_str()).collect();
        let unknown: Vec<&str> =
            uuids.iter().map(String::as_str).filter(|uuid| !known.contains(uuid)).take(NAMED.into()).collect();
        if !unknown.is_empty() {
            let reason = format!("no such device of product {}: {}", product.id, unknown.join(", "));
            return Err(ServiceError::invalid("devices", reason));
        }
        let ids: Vec<i64> = found.iter().map(|(id, _)| id.0).collect();
        let busy = devices::busy(tx, job.id.0, &ids, NAMED.into()).await?;
        if !busy.is_empty() {
            let reason = format!("in another job that has not ended: {}", busy.join(", "));
            return Err(ServiceError::invalid("devices", reason));
        }
        Ok(ids.into_iter().map(DeviceId).collect())
    }

    /// Plans the next chunk of a job's audiences, and lets it go when the job runs. Returns whether there was one.
    pub(crate) async fn plan_next_chunk(&self, tx: &Tx<'_>, job: &Job, tally: &mut Tally) -> Result<bool, StoreError> {
        // When the time of a job that is held is over, what is planned then ends like the rest.
        let runs = matches!(job.state, JobState::Running | JobState::Paused) && !is_held(job);
        let release = runs.then(|| self.dispatch_lease(job.policy));
        let limit = i64::from(self.options().plan_chunk);
        let making = Making { retry_limit: job.policy.retry_limit, limit, release };
        let push = if job.kind == JobKind::Push { pushes::take_turn(tx, job.id).await? } else { None };
        let chunk = match push {
            Some(push) => audiences::plan_push_chunk(tx, job.id, push, making).await?,
            None => audiences::plan_chunk(tx, job.id, making).await?,
        };
        let Some(chunk) = chunk else { return Ok(false) };
        let planned = push.map(|push| (push, chunk.devices.clone()));
        let count = i64::try_from(chunk.devices.len()).unwrap_or(i64::MAX);
        tally.enter(job.id, if runs { CommandState::Queued } else { CommandState::Planned }, count);
        if runs && let (Some(first), Some(last)) = (chunk.devices.first(), chunk.devices.last()) {
            let devices = if chunk.is_range {
                drover_store::commands::Devices::Range(*first, *last)
            } else {
                drover_store::commands::Devices::List(chunk.devices)
            };
            self.begin(tx, job, devices, tally).await?;
        }
        // After the commands that these take the place of, as whoever records reports locks them first too.
        if let Some((push, devices)) = planned {
            installs::note_planned(tx, push.subject, job.id, &devices, tally).await?;
        }
        Ok(true)
    }
}
