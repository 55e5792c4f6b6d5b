//! Reports on their way to devices that each have a connection of their own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Given;
use crate::fleet::report::{Connections, Delivered};

/// Reports that one device keeps while it cannot send them. What comes on top of that is given up: one device that is away
/// must not hold up the others.
const KEPT_MAX: usize = 16;
/// How long devices may take to send what they still have, once no more can come.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How often changes of connections are told.
const TELL: Duration = Duration::from_secs(10);

/// What became of the reports and connections of all devices.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Delivered>);

impl Tally {
    /// A report was sent, and taken.
    pub(super) fn note_sent(&self, given: &Given) {
        self.with(|Delivered { sent, .. }| sent.note(given.report.status, given.manner));
    }

    /// Reports were given up.
    pub(super) fn note_failures(&self, count: u64) {
        self.with(|Delivered { sent, .. }| sent.failures += count);
    }

    /// Something happened to a connection.
    pub(super) fn note(&self, change: impl FnOnce(&mut Connections)) {
        self.with(|Delivered { connections, .. }| change(connections));
    }

    /// How it stands.
    pub(super) fn connections(&self) -> Connections {
        self.with(|delivered| delivered.connections)
    }

    fn end(&self) -> Delivered {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Delivered) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Every device's way to send, and the tasks that do it.
#[derive(Debug)]
pub(in crate::fleet) struct Switchboard {
    devices: HashMap<String, mpsc::Sender<Given>>,
    tasks: JoinSet<()>,
    tally: Arc<Tally>,
    /// Tells the devices to give up what they still have.
    over: CancellationToken,
}

impl Switchboard {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        Self { devices: HashMap::new(), tasks: JoinSet::new(), tally, over: CancellationToken::new() }
    }

    /// Adds a device: `task` is what it does with its reports, until there are no more or it is told that all is over.
    pub(super) fn add<F>(&mut self, uuid: String, task: impl FnOnce(mpsc::Receiver<Given>, CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (given, to_send) = mpsc::channel(KEPT_MAX);
        self.tasks.spawn(task(to_send, self.over.clone()));
        self.devices.insert(uuid, given);
    }

    /// Hands each report to its device, until no more can come; then waits for the devices.
    pub(super) async fn run(mut self, mut given: mpsc::Receiver<Given>) -> Delivered {
        let (mut tell, mut told) = (tokio::time::interval(TELL), Connections::default());
        loop {
            let given = tokio::select! {
                given = given.recv() => given,
                _ = tell.tick() => {
                    told = self.tell(told);
                    continue;
                }
            };
            let Some(given) = given else { break };
            let Some(device) = self.devices.get(&given.report.device_uuid) else {
                // Commands come from these devices alone.
                self.tally.note_failures(1);
                continue;
            };
            if let Err(error) = device.try_send(given) {
                self.tally.note_failures(1);
                let device = &error.into_inner().report.device_uuid;
                tracing::warn!(device, "a simulated device has too many reports that it cannot send; one is given up");
            }
        }
        self.devices.clear();
        if tokio::time::timeout(END_LIMIT, self.join()).await.is_err() {
            self.over.cancel();
            self.join().await;
        }
        self.tally.end()
    }

    /// One line for all devices: a thousand that lose one broker are one thing to know.
    fn tell(&self, told: Connections) -> Connections {
        let connections = self.tally.connections();
        if connections != told {
            let Connections { opened, refused, lost, broken } = connections;
            tracing::info!(opened, refused, lost, broken, "connections of simulated devices so far");
        }
        connections
    }

    async fn join(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a simulated device's task panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use drover_messages::{DeviceReport, ReportStatus};

    use super::*;
    use crate::fleet::report::Manner;

    fn given(uuid: &str) -> Given {
        let report = DeviceReport {
            v: 1,
            command_id: 5,
            attempt: 1,
            status: ReportStatus::Succeeded,
            code: None,
            message: None,
            firmware_version: None,
            device_uuid: uuid.into(),
        };
        Given { report, manner: Manner::Plain }
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_that_is_away_holds_up_nobody_and_ends_with_the_others() {
        let tally = Arc::new(Tally::default());
        let mut switchboard = Switchboard::new(Arc::clone(&tally));
        let count = Arc::clone(&tally);
        switchboard.add("here".into(), |mut reports, _| async move {
            while let Some(given) = reports.recv().await {
                count.note_sent(&given);
            }
        });
        let count = Arc::clone(&tally);
        switchboard.add("away".into(), |reports, over| async move {
            over.cancelled().await;
            count.note_failures(reports.len() as u64);
        });
        let (reports, receiver) = mpsc::channel(1);
        let running = tokio::spawn(switchboard.run(receiver));
        for _ in 0..100 {
            reports.send(given("away")).await.unwrap();
            reports.send(given("here")).await.unwrap();
            tokio::task::yield_now().await;
        }
        reports.send(given("nobody")).await.unwrap();
        drop(reports);
        let Delivered { sent, .. } = running.await.unwrap();
        assert_eq!((sent.total(), sent.failures), (100, 101));
    }
}
