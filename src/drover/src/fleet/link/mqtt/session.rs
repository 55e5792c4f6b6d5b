//! One device over its whole life: connected, cut off, away, connected again.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Arrival, DeviceToken, Given, backoff::Backoff, breaks::Breaks, gate::Gate, settling::Settling,
        switchboard::Tally,
    },
    connection::{Connection, ConnectionProblem, Server},
};
use crate::fleet::behaviour::mark;

/// What all devices share.
pub(super) struct Shared {
    pub(super) server: Server,
    pub(super) gate: Gate,
    pub(super) tally: Arc<Tally>,
    pub(super) commands: mpsc::Sender<Arrival>,
}

/// One device.
pub(super) struct Session {
    device: DeviceToken,
    shared: Arc<Shared>,
    outbox: Outbox,
    breaks: Option<Breaks>,
    settling: Settling,
    backoff: Backoff,
    random: StdRng,
}

/// What a device has to say: reports that come in, and the one that nobody has taken yet.
pub(super) struct Outbox {
    pub(super) reports: mpsc::Receiver<Given>,
    pub(super) unsent: Option<Given>,
}

/// How a connection ended.
enum End {
    /// Everything is said, and the device has taken its leave.
    Through,
    /// The device broke it on purpose.
    Broken,
    /// It was lost.
    Lost(ConnectionProblem),
}

impl Session {
    pub(super) fn new(
        device: DeviceToken,
        shared: Arc<Shared>,
        reports: mpsc::Receiver<Given>,
        breaks: Option<Breaks>,
        settling: Settling,
        seed: u64,
    ) -> Self {
        let random = StdRng::seed_from_u64(mark(seed.wrapping_add(1), &device.uuid));
        let outbox = Outbox { reports, unsent: None };
        Self { device, shared, outbox, breaks, settling, backoff: Backoff::default(), random }
    }

    /// Runs until no more reports can come and all are sent, or `over` gives up the rest.
    pub(super) async fn run(mut self, over: CancellationToken) {
        let _ = over.run_until_cancelled(self.live()).await;
        let left = self.outbox.reports.len() + usize::from(self.outbox.unsent.is_some());
        self.shared.tally.note_failures(left as u64);
    }

    async fn live(&mut self) {
        loop {
            let pause = match self.connect().await {
                End::Through => return,
                End::Broken => {
                    self.shared.tally.note(|connections| connections.broken += 1);
                    self.breaks.as_mut().map_or(Duration::ZERO, Breaks::away)
                }
                End::Lost(problem) => {
                    self.note(&problem).await;
                    self.backoff.next(&mut self.random)
                }
            };
            if !self.outbox.is_wanted_after(pause).await {
                return;
            }
        }
    }

    /// One connection from beginning to end.
    async fn connect(&mut self) -> End {
        let shared = Arc::clone(&self.shared);
        let entered = shared.gate.enter().await;
        let mut connection = match Connection::open(&shared.server, &self.device).await {
            Ok(connection) => connection,
            Err(problem) => return End::Lost(problem),
        };
        drop(entered);
        shared.tally.note(|connections| connections.opened += 1);
        self.backoff.reset();
        self.settling.let_in().await;
        let lasts = self.breaks.as_mut().map(Breaks::lasts);
        tokio::select! {
            ended = connection.run(&shared.commands, &mut self.outbox, &shared.tally) => match ended {
                Ok(()) => End::Through,
                Err(problem) => End::Lost(problem),
            },
            () = after(lasts) => End::Broken,
        }
    }

    async fn note(&mut self, problem: &ConnectionProblem) {
        tracing::debug!(device = self.device.uuid, %problem, "a simulated device lost its connection");
        if problem.is_refusal() {
            self.shared.tally.note(|connections| connections.refused += 1);
            self.settling.refused().await;
        } else {
            self.shared.tally.note(|connections| connections.lost += 1);
        }
    }
}

impl Outbox {
    /// Waits. Returns whether there is anything left for the device to live for.
    async fn is_wanted_after(&mut self, pause: Duration) -> bool {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        while self.unsent.is_none() {
            tokio::select! {
                () = &mut over => return true,
                given = self.reports.recv() => match given {
                    Some(given) => self.unsent = Some(given),
                    None => return false,
                },
            }
        }
        over.await;
        true
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
