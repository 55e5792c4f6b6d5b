//! Waits for what a process needs before it can work. A dependency that is away is said once and waited for; one that
//! refuses for good ends the process.

use std::{fmt::Display, time::Duration};

use anyhow::Context;
use drover_broker::Broker;
use drover_service::Entropy;
use drover_store::{
    Store, StoreError, migrate,
    presence::{self, Presence},
};

use crate::{config::Config, installation::Installation};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// About a quarter of a minute.
const PLACE_TRIES: usize = 8;

/// Growing pauses with jitter.
struct Pauses<'a> {
    next: Duration,
    is_said: bool,
    entropy: &'a dyn Entropy,
}

impl<'a> Pauses<'a> {
    fn new(entropy: &'a dyn Entropy) -> Self {
        Self { next: FIRST_PAUSE, is_said: false, entropy }
    }

    /// Says why, at the first time and then rarely, and waits.
    async fn wait(&mut self, what: &'static str, problem: &(dyn Display + Sync)) {
        if !self.is_said || self.next == MAX_PAUSE {
            tracing::error!(what, %problem, "not there yet; waiting for it");
            self.is_said = true;
        }
        self.wait_quietly().await;
    }

    fn is_first(&self) -> bool {
        self.next == FIRST_PAUSE
    }

    async fn wait_quietly(&mut self) {
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        tokio::time::sleep(self.next.mul_f64(0.5 + f64::from(byte[0]) / 510.0)).await;
        self.next = (self.next * 2).min(MAX_PAUSE);
    }
}

/// Brings the schema up to date as soon as the database answers.
pub(crate) async fn migrate(store: &Store, entropy: &dyn Entropy) -> anyhow::Result<Vec<String>> {
    let mut pauses = Pauses::new(entropy);
    loop {
        match migrate::run(store).await {
            Err(error) if error.is_unavailable() => pauses.wait("database", &error).await,
            done => return done.context("cannot bring the schema up to date"),
        }
    }
}

/// An installation whose schema is there: the first command on a new one makes it.
pub(crate) async fn ready(config: Config) -> anyhow::Result<Installation> {
    let mut installation = Installation::embedded(config).await?;
    if let Err(error) = migrate(&installation.store, installation.entropy.as_ref()).await {
        installation.close().await?;
        return Err(error);
    }
    Ok(installation)
}

/// Waits until the database answers and its schema is as new as this program.
pub(crate) async fn wait_for_schema(store: &Store, entropy: &dyn Entropy) -> anyhow::Result<()> {
    let mut pauses = Pauses::new(entropy);
    loop {
        match migrate::pending(store).await {
            Ok(0) => return Ok(()),
            // Perhaps they are running just now, in this process or beside it.
            Ok(_) if pauses.is_first() => pauses.wait_quietly().await,
            Ok(pending) => {
                pauses.wait("schema", &format!("{pending} migrations have not run: run `drover migrate`")).await;
            }
            Err(error @ (StoreError::Connect(_) | StoreError::Statement(_))) => pauses.wait("database", &error).await,
            Err(error) => return Err(error).context("cannot read the schema's version"),
        }
    }
}

/// Takes this process's place at the database: beside others that share their broker, or alone with a broker inside. The place
/// of a process that was killed is free as soon as the database notices, so a taken one is waited for a little.
pub(crate) async fn take_place(store: &Store, entropy: &dyn Entropy, alone: bool) -> anyhow::Result<Presence> {
    let mut pauses = Pauses::new(entropy);
    for _ in 0..PLACE_TRIES {
        match presence::take(store, alone).await {
            Ok(Some(presence)) => return Ok(presence),
            Ok(None) => pauses.wait_quietly().await,
            Err(error) => pauses.wait("database", &error).await,
        }
    }
    anyhow::bail!(
        "another process works on this database with another broker: a broker inside a process (no AMQP_URL) tolerates no second one"
    )
}

/// Declares queues and exchanges as soon as the broker answers.
pub(crate) async fn declare_topology(broker: &Broker, entropy: &dyn Entropy) -> anyhow::Result<()> {
    let mut pauses = Pauses::new(entropy);
    loop {
        match broker.declare_topology().await {
            Err(error) if !error.is_fatal() => pauses.wait("broker", &error).await,
            done => return done.context("cannot declare the queues"),
        }
    }
}
