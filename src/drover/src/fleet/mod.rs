//! A simulated fleet: devices that listen on the broker, act as told by [`FleetOptions`], and answer.
//!
//! One loop plays all of them. It takes commands, keeps what is to be said later in one sorted map, and hands reports to
//! a publisher that sends many at a time. Nothing is spawned for a device, so 100,000 cost their memory of one command
//! each and no more.

mod behaviour;
mod delay_queue;
mod download;
mod memory;
mod options;
mod publisher;
mod report;
mod stage;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use drover_broker::{Broker, BrokerError, TopicMessage, TopicStream};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use options::FleetOptions;
pub(crate) use report::FleetReport;

use publisher::Publisher;
use stage::Stage;

/// Commands that wait for the fleet.
const PREFETCH: u16 = 4096;
/// Commands taken at a time.
const TAKE_MAX: usize = 512;
/// Reports that wait for the publisher; while there are that many, no command is taken.
const REPORTS_MAX: usize = 4096;
/// Tries to subscribe before the broker counts as unreachable.
const SUBSCRIBE_TRIES: u32 = 10;
/// The pause after a try to subscribe.
const SUBSCRIBE_PAUSE: Duration = Duration::from_secs(1);

/// A fleet that listens: no command that is sent from now on is missed.
pub(crate) struct Fleet {
    broker: Broker,
    options: FleetOptions,
    commands: TopicStream,
    http: reqwest::Client,
}

impl Fleet {
    /// Subscribes to the fleet's commands.
    pub(crate) async fn listen(broker: Broker, options: FleetOptions) -> anyhow::Result<Self> {
        options.check()?;
        let http = crate::client::http_client().build().context("setting up the fleet's HTTP client")?;
        let commands = subscribe(&broker, &options.pattern).await.context("the fleet cannot listen for commands")?;
        Ok(Self { broker, options, commands, http })
    }

    /// Plays the fleet until `stop` is cancelled or the broker closed. After that no command is taken, and answers that
    /// are due later are given for [`FleetOptions::drain`].
    pub(crate) async fn run(self, stop: CancellationToken) -> FleetReport {
        let Self { broker, options, commands, http } = self;
        let (reports, receiver) = mpsc::channel(REPORTS_MAX);
        let publisher = Publisher::new(broker, receiver, options.seed, stop.clone());
        let drain = options.drain;
        let stage = Stage::new(options, http, reports);
        let (played, sent) = tokio::join!(play(stage, commands, drain, stop), publisher.run());
        FleetReport { sent, ..played }
    }
}

async fn subscribe(broker: &Broker, pattern: &str) -> Result<TopicStream, BrokerError> {
    let mut tried = 1;
    loop {
        match broker.subscribe_topic(pattern, PREFETCH).await {
            Err(error) if !error.is_fatal() && tried < SUBSCRIBE_TRIES => {
                tracing::warn!(%error, tried, "the fleet cannot listen yet");
                tried += 1;
                tokio::time::sleep(SUBSCRIBE_PAUSE.mul_f64(rand::random_range(0.5..=1.0))).await;
            }
            done => return done,
        }
    }
}

/// Drops `stage` at the end, and with it the publisher's source.
async fn play(mut stage: Stage, commands: TopicStream, drain: Duration, stop: CancellationToken) -> FleetReport {
    let mut commands = Some(commands);
    let mut until: Option<Instant> = None;
    let mut taken: Vec<TopicMessage> = Vec::with_capacity(TAKE_MAX);
    loop {
        stage.act().await;
        if until.is_some_and(|until| stage.is_through() || Instant::now() >= until) {
            return stage.end();
        }
        let wake = [stage.next_due(), until].into_iter().flatten().min();
        tokio::select! {
            count = next(&mut commands, &mut taken) => {
                taken.drain(..).for_each(|message| stage.take(&message));
                if count == 0 {
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

/// The next commands; pending for ever once the fleet has stopped listening. 0: the broker closed.
async fn next(commands: &mut Option<TopicStream>, taken: &mut Vec<TopicMessage>) -> usize {
    match commands {
        Some(commands) => commands.recv_many(taken, TAKE_MAX).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
