//! A simulated fleet: devices that listen, act as told by [`FleetOptions`], and answer.
//!
//! One loop plays all of them. It takes commands from a link, keeps what is to be said later in one sorted map, and gives
//! reports to the link. Nothing is spawned for what a device does, so 100,000 cost their memory of one command each and no
//! more; what a link spends on each device is its own matter.

mod behaviour;
mod delay_queue;
mod download;
mod link;
mod memory;
mod options;
mod report;
mod stage;
mod task;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use drover_broker::Broker;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use link::{DeviceToken, MqttUrl, tokens_from};
pub(crate) use options::FleetOptions;
pub(crate) use report::FleetReport;

use link::{Arrival, Commands, Link};
use report::Delivered;
use stage::Stage;

/// Reports that wait to be sent; while there are that many, no command is taken.
const REPORTS_MAX: usize = 4096;

/// A fleet that listens: no command that is sent from now on is missed.
pub(crate) struct Fleet {
    options: FleetOptions,
    link: Link,
    http: reqwest::Client,
}

impl Fleet {
    /// Subscribes to the fleet's commands on the broker.
    pub(crate) async fn listen(broker: Broker, options: FleetOptions) -> anyhow::Result<Self> {
        options.check()?;
        let link = link::over_broker(broker, &options.pattern, options.seed);
        Self::linked(link.await.context("the fleet cannot listen for commands")?, options)
    }

    /// Logs each device in over MQTT.
    pub(crate) async fn connect(
        url: &MqttUrl,
        devices: Vec<DeviceToken>,
        options: FleetOptions,
    ) -> anyhow::Result<Self> {
        options.check()?;
        Self::linked(link::over_mqtt(url, devices, &options).await?, options)
    }

    /// Lets each device call Drover, whose addresses begin with `base`.
    pub(crate) async fn call(
        base: &reqwest::Url,
        devices: Vec<DeviceToken>,
        options: FleetOptions,
    ) -> anyhow::Result<Self> {
        options.check()?;
        Self::linked(link::over_http(base, devices, &options).await?, options)
    }

    fn linked(link: Link, options: FleetOptions) -> anyhow::Result<Self> {
        let http = crate::client::http_client().build().context("setting up the fleet's HTTP client")?;
        Ok(Self { options, link, http })
    }

    /// Plays the fleet until `stop` is cancelled or no more commands can come. After that no command is taken, and answers
    /// that are due later are given for [`FleetOptions::drain`].
    pub(crate) async fn run(self, stop: CancellationToken) -> FleetReport {
        let Self { options, link: Link { commands, reports }, http } = self;
        let (given, to_send) = mpsc::channel(REPORTS_MAX);
        let drain = options.drain;
        let stage = Stage::new(options, http, given);
        let (played, Delivered { sent, connections }) =
            tokio::join!(play(stage, commands, drain, stop.clone()), reports.send(to_send, stop));
        FleetReport { sent, connections, ..played }
    }
}

/// Drops `stage` at the end, and with it the source of reports.
async fn play(mut stage: Stage, commands: Commands, drain: Duration, stop: CancellationToken) -> FleetReport {
    let mut commands = Some(commands);
    let mut until: Option<Instant> = None;
    let mut taken = Vec::new();
    loop {
        stage.act().await;
        if until.is_some_and(|until| stage.is_through() || Instant::now() >= until) {
            return stage.end();
        }
        let wake = [stage.next_due(), until].into_iter().flatten().min();
        tokio::select! {
            is_open = next(&mut commands, &mut taken) => {
                for arrival in taken.drain(..) {
                    stage.take(&arrival);
                    arrival.acknowledge();
                }
                if !is_open {
                    commands = None;
                    until = Some(Instant::now() + drain);
                }
            }
            () = sleep_until(wake) => {}
            ended = stage.downloads.next() => stage.downloaded(ended),
            () = stop.cancelled(), if until.is_none() => {
                // Whoever publishes must not wait for a fleet that no longer reads.
                commands = None;
                until = Some(Instant::now() + drain);
            }
        }
    }
}

/// The next commands; pending for ever once the fleet has stopped listening. `false`: no more can come.
async fn next(commands: &mut Option<Commands>, taken: &mut Vec<Arrival>) -> bool {
    match commands {
        Some(commands) => commands.take(taken).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
