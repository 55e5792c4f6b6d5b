//! Devices that have just come, told to the service many at a time: whoever notices one does not wait for the database.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use drover_domain::DeviceId;
use drover_service::{Service, ServiceError};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::ARRIVALS_LOST;

/// Arrivals that wait to be told; what comes on top is lost.
const WAITING_MAX: usize = 8192;
/// Devices told at a time.
const BATCH_MAX: usize = 500;
/// How long an arrival waits for others.
const GATHER: Duration = Duration::from_millis(200);
/// Who listens is told of once more: RabbitMQ binds a device's queue after it has asked us, and while very many come at once
/// that may be later than what we sent.
const ONCE_MORE: Duration = Duration::from_secs(12);
/// How long the service may take for a batch.
const TELL_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes arrivals.
#[derive(Clone)]
pub(super) struct Arrivals(mpsc::Sender<(DeviceId, bool)>);

/// What came in, and who is to be told of once more.
pub(super) struct Inbox {
    arrived: mpsc::Receiver<(DeviceId, bool)>,
    once_more: VecDeque<(Instant, DeviceId)>,
}

/// Some devices that came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Batch {
    seen: Vec<DeviceId>,
    listening: Vec<DeviceId>,
}

pub(super) fn channel() -> (Arrivals, Inbox) {
    let (sender, arrived) = mpsc::channel(WAITING_MAX);
    (Arrivals(sender), Inbox { arrived, once_more: VecDeque::new() })
}

impl Arrivals {
    pub(super) fn note(&self, device: DeviceId, listens: bool) {
        if self.0.try_send((device, listens)).is_err() {
            metrics::counter!(ARRIVALS_LOST).increment(1);
        }
    }
}

impl Inbox {
    /// Tells the service as long as anybody may come.
    pub(super) async fn run(mut self, service: &Service) {
        while let Some(batch) = self.next().await {
            let count = batch.seen.len() + batch.listening.len();
            let problem = match timeout(TELL_TIMEOUT, tell(service, &batch)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "timed out".to_owned(),
            };
            metrics::counter!(ARRIVALS_LOST).increment(count as u64);
            tracing::warn!(devices = count, problem, "arrivals of devices were not noted");
        }
    }

    /// The next devices to tell of; `None` when nobody can come any more.
    async fn next(&mut self) -> Option<Batch> {
        let due = self.once_more.front().map(|(due, _)| *due);
        let mut came = Vec::with_capacity(BATCH_MAX);
        tokio::select! {
            count = self.arrived.recv_many(&mut came, BATCH_MAX) => if count == 0 { return None },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => return Some(self.due_once_more()),
        }
        tokio::time::sleep(GATHER).await;
        while came.len() < BATCH_MAX
            && let Ok(more) = self.arrived.try_recv()
        {
            came.push(more);
        }
        let mut devices: HashMap<DeviceId, bool> = HashMap::new();
        for (device, listens) in came {
            *devices.entry(device).or_default() |= listens;
        }
        let mut batch = Batch::default();
        for (device, listens) in devices {
            if listens { batch.listening.push(device) } else { batch.seen.push(device) }
        }
        let again = Instant::now() + ONCE_MORE;
        let room = WAITING_MAX.saturating_sub(self.once_more.len());
        self.once_more.extend(batch.listening.iter().take(room).map(|device| (again, *device)));
        Some(batch)
    }

    fn due_once_more(&mut self) -> Batch {
        let now = Instant::now();
        let count = self.once_more.iter().take(BATCH_MAX).take_while(|(due, _)| *due <= now).count();
        Batch { listening: self.once_more.drain(..count).map(|(_, device)| device).collect(), ..Batch::default() }
    }
}

async fn tell(service: &Service, Batch { seen, listening }: &Batch) -> Result<(), ServiceError> {
    if !seen.is_empty() {
        service.devices_seen(seen).await?;
    }
    if !listening.is_empty() {
        let waiting = service.devices_listen(listening).await?;
        tracing::debug!(devices = listening.len(), waiting, "devices listen");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(devices: &[i64]) -> Batch {
        Batch { listening: devices.iter().copied().map(DeviceId).collect(), ..Batch::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_together_is_told_together_and_who_listens_once_more() {
        let (arrivals, mut inbox) = channel();
        arrivals.note(DeviceId(1), false);
        arrivals.note(DeviceId(1), true);
        arrivals.note(DeviceId(2), false);
        let batch = inbox.next().await.unwrap();
        assert_eq!(batch, Batch { seen: vec![DeviceId(2)], ..listening(&[1]) });
        let began = Instant::now();
        assert_eq!(inbox.next().await.unwrap(), listening(&[1]));
        assert!(began.elapsed() >= ONCE_MORE, "{:?}", began.elapsed());
        drop(arrivals);
        assert_eq!(inbox.next().await, None, "and not again");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_is_lost_and_not_kept() {
        let (arrivals, mut inbox) = channel();
        (0..10_000).for_each(|device| arrivals.note(DeviceId(device), true));
        let mut told = 0;
        while told < WAITING_MAX {
            let batch = inbox.next().await.unwrap();
            assert!(batch.listening.len() <= BATCH_MAX);
            told += batch.listening.len();
        }
        assert_eq!((told, inbox.once_more.len()), (WAITING_MAX, WAITING_MAX));
    }
}
