//! The link over MQTT: each device logs in with its uuid and token, and has a durable session of its own.

mod connection;
mod session;
mod url;

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    Commands, DeviceToken, Link, Reports,
    breaks::Breaks,
    gate::Gate,
    settling::Settled,
    switchboard::{Switchboard, Tally},
};
use crate::fleet::{FleetOptions, behaviour::Split};
use connection::Server;
use session::{Session, Shared};

pub(super) use connection::Receipt;
pub(crate) use url::MqttUrl;

/// Connections opened in a second.
const OPENED_PER_S: u32 = 200;
/// Connections that are being opened at a time: a broker that is slow to let devices in is not hurried.
const OPENING_MAX: usize = 64;
/// Commands of all devices that wait for the fleet. Each device holds its own back beyond that.
const COMMANDS_MAX: usize = 1024;

/// Connects the devices, and returns when each has either subscribed or been refused several times. A device that is
/// refused goes on trying; that all are is an error.
pub(in crate::fleet) async fn connect(
    url: &MqttUrl,
    devices: Vec<DeviceToken>,
    options: &FleetOptions,
) -> anyhow::Result<Link> {
    let count = devices.len();
    let (commands, taken) = mpsc::channel(COMMANDS_MAX);
    let (tally, split, settled) = (Arc::new(Tally::default()), Split::new(options), Settled::new());
    let shared = Arc::new(Shared {
        server: Server { host: url.host.clone(), port: url.port },
        gate: Gate::new(OPENED_PER_S, OPENING_MAX),
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
    drop(shared);
    settled.wait(count, &url.to_string()).await?;
    Ok(Link { commands: Commands::Devices(taken), reports: Reports::Devices(switchboard) })
}
