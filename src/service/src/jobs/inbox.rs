//! What a device has to do now, for devices that ask, and what follows when one turns up.

use std::time::Duration;

use drover_domain::{CommandId, CommandState, DeviceId, JobId};
use drover_messages::DeviceCommand;
use drover_store::{
    StoreError, artifacts,
    commands::{self, Devices, inbox},
    devices,
    hints::{self, DeviceRange},
    jobs, timers,
};

use crate::{Service, ServiceError, jobs::dispatching::may_send};

/// Open commands that a device is told of at once: of each line the one that was released last, and of applications and lists
/// a device may have many. What lies beyond it is told when others have ended.
const OPEN_MAX: i64 = 200;
/// From a device's arrival until what waits for it is handed out: by then it listens.
const ARRIVAL_PAUSE: Duration = Duration::from_secs(1);
/// What a dispatcher is given to hand over a command that was released just now, before a device's arrival makes it be handed
/// over again.
const HANDOVER_TIME: Duration = Duration::from_secs(5);

impl Service {
    /// Everything that is open for a device, of the oldest job first. To ask is to take: a command that was queued is sent
    /// by it, and its attempt begins. Who asks again is given the same commands in the same attempts.
    pub async fn open_commands(&self, device: DeviceId) -> Result<Vec<DeviceCommand>, ServiceError> {
        let (found, is_overtaken) = self.look_into_inbox(device).await?;
        if is_overtaken { Ok(self.look_into_inbox(device).await?.0) } else { Ok(found) }
    }

    /// What is open, and whether something moved between reading and taking it; that is left out.
    async fn look_into_inbox(&self, device: DeviceId) -> Result<(Vec<DeviceCommand>, bool), ServiceError> {
        let client = self.store().client().await?;
        let open = inbox::open(&client, device, OPEN_MAX).await?;
        let ids: Vec<i64> = open.iter().map(|open| open.job.0).collect();
        let jobs = if ids.is_empty() { Vec::new() } else { jobs::list_for_work(&client, &ids).await? };
        let artifacts = artifacts::of_jobs(&client, &jobs).await?;
        drop(client);
        let (mut found, mut is_overtaken) = (Vec::with_capacity(open.len()), false);
        for open in open.into_iter().rev() {
            let Ok(place) = jobs.binary_search_by_key(&open.job, |job| job.id) else { continue };
            let job = &jobs[place];
            let Some(artifact) = artifacts.get(&job.id) else { continue };
            let (v, attempt) = (DeviceCommand::VERSION, open.attempt);
            let command_id = CommandId { job: job.id, device }.to_i64();
            let upgrade = |time: Duration| {
                let order = self.order(job, artifact);
                order.command(command_id, attempt, time.as_secs().cast_signed())
            };
            match open.state {
                CommandState::Queued if may_send(job) => {
                    if self.take_queued(job, attempt, device.0).await? {
                        found.push(upgrade(job.policy.attempt_timeout()));
                    } else {
                        is_overtaken = true;
                    }
                }
                CommandState::Sent
                | CommandState::Downloading
                | CommandState::Downloaded
                | CommandState::Installing => {
                    found.push(upgrade(open.time_left));
                }
                CommandState::Cancelling => found.push(DeviceCommand::Cancel { v, command_id, attempt }),
                _ => {}
            }
        }
        Ok((found, is_overtaken))
    }

    /// Tells those devices of a range that wait for an answer, at whichever process, to look again.
    pub async fn call_waiting_devices(&self, range: DeviceRange) -> Result<(), ServiceError> {
        Ok(hints::tell(&self.store().client().await?, range).await?)
    }

    /// Gives every such call from now on to `heard`, until the connection fails.
    pub async fn hear_calls(&self, heard: impl FnMut(DeviceRange) + Send) -> Result<(), ServiceError> {
        Ok(hints::listen(self.store(), heard).await?)
    }

    /// Notes that devices were heard of.
    pub async fn devices_seen(&self, seen: &[DeviceId]) -> Result<(), ServiceError> {
        let ids: Vec<i64> = seen.iter().map(|device| device.0).collect();
        let note = || async { devices::note_contact(&self.store().client().await?, &ids).await };
        Ok(self.store().retrying("devices_seen", note).await?)
    }

    /// Notes that devices listen for their commands from now on, and hands out what waits for them: not after the next lease,
    /// which may be a quarter of an hour away. Returns how many commands that are.
    pub async fn devices_listen(&self, listening: &[DeviceId]) -> Result<usize, ServiceError> {
        self.devices_seen(listening).await?;
        let ids: Vec<i64> = listening.iter().map(|device| device.0).collect();
        // Read before the loop: in its head, the connection would be kept while each round takes another.
        let waiting = inbox::waiting(&self.store().client().await?, &ids).await?;
        let mut found = 0;
        for (job, devices) in waiting {
            found += self.store().retrying("devices_listen", || self.bring_forward(job, &devices)).await?;
        }
        Ok(found)
    }

    async fn bring_forward(&self, job: JobId, devices: &[i64]) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let brought = commands::bring_forward(&tx, job, devices, (ARRIVAL_PAUSE, HANDOVER_TIME)).await?;
        let count = brought.len();
        timers::insert(&tx, job, &Devices::List(brought), ARRIVAL_PAUSE).await?;
        tx.commit().await?;
        Ok(count)
    }
}
