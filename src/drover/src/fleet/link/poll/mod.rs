//! The link over HTTP: each device asks for its commands, again and again, and calls to report.

mod client;
mod session;

use std::{sync::Arc, time::Duration};

use reqwest::Url;
use tokio::sync::{Semaphore, mpsc};

use super::{
    Commands, DeviceToken, Link, Reports,
    breaks::Breaks,
    gate::Gate,
    settling::Settled,
    switchboard::{Switchboard, Tally},
};
use crate::fleet::{FleetOptions, behaviour::Split};
use client::Server;
use session::{Session, Shared};

/// Devices that come for the first time, or again after a failure, in a second.
const CALLED_PER_S: u32 = 200;
/// First calls at a time.
const CALLING_MAX: usize = 64;
/// Questions for commands that wait at a time.
const QUESTIONS_MAX: usize = 1024;
/// Reports that are being sent at a time.
const REPORTS_MAX: usize = 64;
/// How long a question waits for something new, when there is room for all devices.
const WAIT: Duration = Duration::from_secs(25);
/// Commands of all devices that wait for the fleet. Each device holds its own back beyond that.
const COMMANDS_MAX: usize = 1024;

/// Lets the devices call, and returns when each was either answered or refused several times. A device that is refused goes
/// on trying; that all are is an error.
pub(in crate::fleet) async fn connect(
    base: &Url,
    devices: Vec<DeviceToken>,
    options: &FleetOptions,
) -> anyhow::Result<Link> {
    let count = devices.len();
    let (commands, taken) = mpsc::channel(COMMANDS_MAX);
    let (tally, split, settled) = (Arc::new(Tally::default()), Split::new(options), Settled::new());
    let shared = Arc::new(Shared {
        server: Server::new(crate::client::http_client().build()?, base),
        gate: Gate::new(CALLED_PER_S, CALLING_MAX),
        questions: Semaphore::new(QUESTIONS_MAX),
        answers: Semaphore::new(REPORTS_MAX),
        wait: wait(count),
        tally: Arc::clone(&tally),
        commands,
    });
    let mut switchboard = Switchboard::new(Arc::clone(&tally));
    for device in devices {
        let breaks = split.breaks(&device.uuid).then(|| Breaks::new(options.seed, &device.uuid));
        let (uuid, shared, settling) = (device.uuid.clone(), Arc::clone(&shared), settled.one());
        switchboard
            .add(uuid, |reports, over| Session::new(device, shared, reports, breaks, settling, options.seed).run(over));
    }
    settled.wait(count, base.as_str()).await?;
    Ok(Link { commands: Commands::Devices(taken), reports: Reports::Devices(switchboard) })
}

/// How long each question waits: when not all devices can ask at a time, less, so that everybody's turn comes within the
/// whole time.
fn wait(devices: usize) -> Duration {
    let rounds = devices.div_ceil(QUESTIONS_MAX).max(1);
    WAIT / u32::try_from(rounds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybodys_turn_comes_within_the_whole_time() {
        assert_eq!((wait(0), wait(1), wait(QUESTIONS_MAX)), (WAIT, WAIT, WAIT));
        for devices in [QUESTIONS_MAX + 1, 1000, 10_000, 1_000_000] {
            let rounds = u32::try_from(devices.div_ceil(QUESTIONS_MAX)).unwrap();
            assert!(wait(devices) * rounds <= WAIT, "{devices}");
        }
    }
}
