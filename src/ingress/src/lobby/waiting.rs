//! Devices that wait, and the calls that end their waiting.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drover_domain::DeviceId;
use drover_service::{DeviceRange, Service};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::WAITING;
use crate::Random;

/// The pause before calls are listened for again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Why a device need not wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// There may be something for it.
    Look,
    /// It asked again elsewhere, or the process ends: the answer is what is known.
    Leave,
}

/// The seats of a process.
pub(super) struct Seats {
    taken: Mutex<Taken>,
    max: usize,
}

#[derive(Default)]
struct Taken {
    /// By device: who sits there, and how to call.
    by_device: BTreeMap<i64, (u64, oneshot::Sender<Call>)>,
    last: u64,
    is_closed: bool,
}

/// A device's seat; dropping it sets it free.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    device: i64,
    number: u64,
    called: oneshot::Receiver<Call>,
}

impl Seats {
    pub(super) fn new(max: usize) -> Self {
        Self { taken: Mutex::default(), max }
    }

    /// A device has one seat: when it comes again, whoever holds its connection of before must leave.
    pub(super) fn take(seats: &Arc<Self>, DeviceId(device): DeviceId) -> Option<Seat> {
        let mut taken = seats.lock();
        if taken.is_closed || (taken.by_device.len() >= seats.max && !taken.by_device.contains_key(&device)) {
            return None;
        }
        taken.last += 1;
        let (number, (call, called)) = (taken.last, oneshot::channel());
        match taken.by_device.insert(device, (number, call)) {
            // Whether anybody still listens there is not ours to know.
            Some((_, before)) => {
                let _ = before.send(Call::Leave);
            }
            None => metrics::gauge!(WAITING).increment(1.0),
        }
        Some(Seat { seats: Arc::clone(seats), device, number, called })
    }

    /// Calls the devices of a range.
    pub(super) fn call(&self, range: DeviceRange) {
        if range.first > range.last {
            return;
        }
        let mut taken = self.lock();
        let called: Vec<i64> = taken.by_device.range(range.first..=range.last).map(|(device, _)| *device).collect();
        for device in called {
            if let Some((_, call)) = taken.by_device.remove(&device) {
                metrics::gauge!(WAITING).decrement(1.0);
                let _ = call.send(Call::Look);
            }
        }
    }

    /// Lets everybody go and nobody in.
    pub(super) fn close(&self) {
        let mut taken = self.lock();
        taken.is_closed = true;
        metrics::gauge!(WAITING).decrement(f64::from(u32::try_from(taken.by_device.len()).unwrap_or(u32::MAX)));
        for (_, call) in std::mem::take(&mut taken.by_device).into_values() {
            let _ = call.send(Call::Leave);
        }
    }

    /// No code panics while it holds the lock, and what it guards is whole at every moment.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Waits to be called until `end`; `None`: the time is over.
    pub(crate) async fn wait(mut self, end: Instant) -> Option<Call> {
        tokio::time::timeout_at(end, &mut self.called).await.ok().map(|call| call.unwrap_or(Call::Leave))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if taken.by_device.get(&self.device).is_some_and(|(number, _)| *number == self.number) {
            taken.by_device.remove(&self.device);
            metrics::gauge!(WAITING).decrement(1.0);
        }
    }
}

/// Hears calls for ever, whatever becomes of the connection. Calls in between are lost.
pub(super) async fn hear_calls(service: &Service, random: &Random, call: impl Fn(DeviceRange) + Send + Sync) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let ended = service.hear_calls(&call).await;
        if began.elapsed() > MAX_PAUSE {
            pause = FIRST_PAUSE;
        }
        if let Err(error) = ended
            && pause == FIRST_PAUSE
        {
            tracing::warn!(%error, "calls for devices that wait are not heard; they look when their wait is over");
        }
        metrics::counter!("drover_device_calls_deaf_total").increment(1);
        // Between half and all of the pause.
        let share = 0.5 + f64::from(u8::try_from(random() & 0xff).unwrap_or_default()) / 510.0;
        sleep(pause.mul_f64(share)).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lobby;

    const SOON: Duration = Duration::from_secs(1);

    fn everybody() -> DeviceRange {
        DeviceRange { first: 1, last: i64::MAX }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_called_looks_and_nobody_else() {
        let (lobby, _chores) = Lobby::new(10);
        let [first, second] = [1, 2].map(|device| lobby.take_seat(DeviceId(device)).unwrap());
        lobby.call(DeviceRange { first: 2, last: 7 });
        lobby.call(DeviceRange { first: 7, last: 2 });
        assert_eq!(second.wait(Instant::now() + SOON).await, Some(Call::Look));
        assert_eq!(first.wait(Instant::now() + SOON).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_between_the_seat_and_the_wait_is_not_missed() {
        let (lobby, _chores) = Lobby::new(10);
        let seat = lobby.take_seat(DeviceId(1)).unwrap();
        lobby.call(everybody());
        assert_eq!(seat.wait(Instant::now() + SOON).await, Some(Call::Look));
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_that_asks_again_leaves_its_old_seat_only() {
        let (lobby, _chores) = Lobby::new(1);
        let old = lobby.take_seat(DeviceId(1)).unwrap();
        let new = lobby.take_seat(DeviceId(1)).unwrap();
        assert_eq!(old.wait(Instant::now() + SOON).await, Some(Call::Leave));
        assert!(lobby.take_seat(DeviceId(2)).is_none(), "the new seat is taken");
        lobby.call(everybody());
        assert_eq!(new.wait(Instant::now() + SOON).await, Some(Call::Look));
        assert!(lobby.take_seat(DeviceId(2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_everybody_leaves() {
        let (lobby, chores) = Lobby::new(10);
        let seat = lobby.take_seat(DeviceId(1)).unwrap();
        chores.seats.close();
        assert_eq!(seat.wait(Instant::now() + SOON).await, Some(Call::Leave));
        assert!(lobby.take_seat(DeviceId(1)).is_none());
    }
}
