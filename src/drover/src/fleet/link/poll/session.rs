//! One device that polls: it asks for commands, and reports beside that.

use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use drover_messages::DeviceCommand;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Arrival, DeviceToken, Given, backoff::Backoff, breaks::Breaks, gate::Gate, settling::Settling,
        switchboard::Tally,
    },
    client::{CallProblem, List, Server},
};
use crate::fleet::behaviour::mark;

/// Reports in one call, at most.
const BATCH_MAX: usize = 16;
/// The least time between two questions that brought nothing: a server that does not wait is not hurried.
const PAUSE: Duration = Duration::from_secs(1);

/// What all devices share.
pub(super) struct Shared {
    pub(super) server: Server,
    pub(super) gate: Gate,
    /// Room for questions that wait.
    pub(super) questions: Semaphore,
    /// Room for reports.
    pub(super) answers: Semaphore,
    /// How long a question waits.
    pub(super) wait: Duration,
    pub(super) tally: Arc<Tally>,
    pub(super) commands: mpsc::Sender<Arrival>,
}

/// One device.
pub(super) struct Session {
    device: DeviceToken,
    shared: Arc<Shared>,
    inbox: Inbox,
    outbox: Outbox,
    breaks: Option<Breaks>,
}

/// The end that asks.
struct Inbox {
    settling: Settling,
    /// The name of the list that the device knows.
    tag: Option<String>,
    /// What is on it, as it was named to the device.
    known: HashSet<String>,
    backoff: Backoff,
    random: StdRng,
}

/// The end that reports.
struct Outbox {
    reports: mpsc::Receiver<Given>,
    unsent: Vec<Given>,
    backoff: Backoff,
    random: StdRng,
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
        let random = |salt: u64| StdRng::seed_from_u64(mark(seed.wrapping_add(salt), &device.uuid));
        let inbox =
            Inbox { settling, tag: None, known: HashSet::new(), backoff: Backoff::default(), random: random(1) };
        let outbox = Outbox { reports, unsent: Vec::new(), backoff: Backoff::default(), random: random(2) };
        Self { device, shared, inbox, outbox, breaks }
    }

    /// Runs until no more reports can come and all are sent, or `over` gives up the rest.
    pub(super) async fn run(mut self, over: CancellationToken) {
        let _ = over.run_until_cancelled(self.live()).await;
        let left = self.outbox.reports.len() + self.outbox.unsent.len();
        self.shared.tally.note_failures(left as u64);
    }

    async fn live(&mut self) {
        loop {
            let Self { device, shared, inbox, outbox, breaks } = self;
            let lasts = breaks.as_mut().map(Breaks::lasts);
            tokio::select! {
                never = inbox.ask(device, shared) => match never {},
                () = outbox.report(device, shared) => return,
                () = after(lasts) => {}
            }
            // Calls broke off wherever they were: an answer may be lost, and a report be there twice.
            self.shared.tally.note(|connections| connections.broken += 1);
            let away = self.breaks.as_mut().map_or(Duration::ZERO, Breaks::away);
            tokio::time::sleep(away).await;
        }
    }
}

impl Inbox {
    async fn ask(&mut self, device: &DeviceToken, shared: &Shared) -> Infallible {
        let mut is_here = false;
        loop {
            let began = Instant::now();
            let asked = {
                // The first question is answered at once: it does not stand in line behind those that wait. Nobody closes
                // the semaphore.
                let (_room, wait) = if is_here {
                    (shared.questions.acquire().await.ok(), shared.wait)
                } else {
                    (shared.gate.enter().await, Duration::ZERO)
                };
                shared.server.ask(device, self.tag.as_deref(), wait).await
            };
            let pause = match asked {
                Ok(answer) => {
                    if !is_here {
                        shared.tally.note(|connections| connections.opened += 1);
                        is_here = true;
                        self.backoff.reset();
                        self.settling.let_in().await;
                    }
                    let is_new = match answer.list {
                        Some(list) => self.take(device, list, &shared.commands).await,
                        None => false,
                    };
                    let is_idle = !is_new && began.elapsed() < PAUSE;
                    let least =
                        if is_idle { PAUSE.mul_f64(self.random.random_range(0.5..=1.0)) } else { Duration::ZERO };
                    answer.pause.unwrap_or_default().max(least)
                }
                Err(problem) => {
                    is_here = false;
                    self.note(device, &problem, &shared.tally).await;
                    self.backoff.next(&mut self.random).max(problem.pause().unwrap_or_default())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Hands the fleet what is new on the list, and returns whether anything was. The list counts as known when the fleet
    /// has all of it.
    async fn take(&mut self, device: &DeviceToken, list: List, commands: &mpsc::Sender<Arrival>) -> bool {
        let mut is_new = false;
        let mut known = HashSet::with_capacity(list.commands.len());
        for command in list.commands {
            let name = name_of(command.get());
            if !self.known.contains(&name) {
                is_new = true;
                let body = Bytes::from(String::from(Box::<str>::from(command)));
                let arrival = Arrival { device: device.uuid.clone(), body, receipt: None };
                if commands.send(arrival).await.is_err() {
                    // The fleet takes no more: what it did not take stays open at the server.
                    return std::future::pending().await;
                }
            }
            known.insert(name);
        }
        (self.known, self.tag) = (known, list.tag);
        is_new
    }

    async fn note(&mut self, device: &DeviceToken, problem: &CallProblem, tally: &Tally) {
        tracing::debug!(device = device.uuid, problem = %chain(problem), "a simulated device was not answered");
        if problem.is_refusal() {
            tally.note(|connections| connections.refused += 1);
            self.settling.refused().await;
        } else {
            tally.note(|connections| connections.lost += 1);
        }
    }
}

impl Outbox {
    /// Sends what is to be said, until there is no more.
    async fn report(&mut self, device: &DeviceToken, shared: &Shared) {
        loop {
            if self.unsent.is_empty() && self.reports.recv_many(&mut self.unsent, BATCH_MAX).await == 0 {
                return;
            }
            let reports: Vec<_> = self.unsent.iter().map(|given| &given.report).collect();
            let sent = {
                // Nobody closes the semaphore.
                let _room = shared.answers.acquire().await;
                shared.server.report(device, &reports).await
            };
            match sent {
                Ok(()) => {
                    self.unsent.drain(..).for_each(|given| shared.tally.note_sent(&given));
                    self.backoff.reset();
                }
                Err(problem) if problem.is_final() => {
                    tracing::warn!(device = device.uuid, problem = %chain(&problem), "reports were refused");
                    shared.tally.note_failures(self.unsent.drain(..).count() as u64);
                }
                Err(problem) => {
                    tracing::debug!(device = device.uuid, problem = %chain(&problem), "reports were not sent");
                    let pause = self.backoff.next(&mut self.random).max(problem.pause().unwrap_or_default());
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// What tells one command of a list from the others: its kind, its number and its attempt. The rest, such as a link that is
/// new each time, does not. What cannot be read is told by its text.
fn name_of(command: &str) -> String {
    match serde_json::from_str(command) {
        Ok(DeviceCommand::Cancel { command_id, attempt, .. }) => format!("{command_id}.{attempt}.cancel"),
        Ok(command) => {
            let (command_id, attempt) = command.identity();
            format!("{command_id}.{attempt}")
        }
        Err(_) => command.to_owned(),
    }
}

fn chain(problem: &CallProblem) -> String {
    let source = std::error::Error::source(problem);
    source.map_or_else(|| problem.to_string(), |source| format!("{problem}: {source}"))
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_number_and_attempt() {
        let upgrade = |attempt: i16, url: &str| {
            serde_json::json!({"type": "upgrade", "v": 1, "command_id": 5, "attempt": attempt, "timeout_s": 9, "firmware":
                {"url": url, "version": "2", "size_bytes": 1, "sha256": "", "md5": ""}})
            .to_string()
        };
        let cancel = r#"{"type":"cancel","v":1,"command_id":5,"attempt":1}"#;
        assert_eq!(name_of(&upgrade(1, "a")), name_of(&upgrade(1, "b")));
        let names: HashSet<String> = [&upgrade(1, ""), &upgrade(2, ""), cancel, "{}"].map(name_of).into();
        assert_eq!(names.len(), 4);
    }
}
