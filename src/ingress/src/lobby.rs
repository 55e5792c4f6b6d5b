//! Where devices are known to be around: those that wait for an answer, and those that have just come.
//!
//! Nothing here is the truth. A call that gets lost costs a device the rest of its wait, and an arrival that gets lost costs
//! it the dispatcher's next round.

mod arrivals;
mod waiting;

use std::sync::Arc;

use drover_domain::DeviceId;
use drover_service::{DeviceRange, Service};
use tokio_util::sync::CancellationToken;

use arrivals::Arrivals;
pub(crate) use waiting::{Call, Seat};
use waiting::{Seats, hear_calls};

use crate::Random;

/// The gauge of devices that wait for an answer.
pub(crate) const WAITING: &str = "drover_devices_waiting";
/// The counter of arrivals that nobody had time for.
pub(crate) const ARRIVALS_LOST: &str = "drover_device_arrivals_lost_total";

/// The lobby of a process; clones are the same one.
#[derive(Clone)]
pub struct Lobby {
    seats: Arc<Seats>,
    arrivals: Arrivals,
}

/// What has to be done for a [`Lobby`] all the time.
pub struct LobbyChores {
    seats: Arc<Seats>,
    arrived: arrivals::Inbox,
}

impl Lobby {
    /// A lobby with room for `max_waiting` devices, and its chores: without them nobody is called before the wait is over.
    pub fn new(max_waiting: usize) -> (Self, LobbyChores) {
        let (arrivals, arrived) = arrivals::channel();
        let seats = Arc::new(Seats::new(max_waiting));
        (Self { seats: Arc::clone(&seats), arrivals }, LobbyChores { seats, arrived })
    }

    /// A seat for a device that is going to wait; `None` when all are taken or the process is about to end. Take it before
    /// looking for what there is to do: what comes after the look is then not missed.
    pub(crate) fn take_seat(&self, device: DeviceId) -> Option<Seat> {
        Seats::take(&self.seats, device)
    }

    /// A device was heard of.
    pub(crate) fn seen(&self, device: DeviceId) {
        self.arrivals.note(device, false);
    }

    /// A device listens for its commands from now on.
    pub(crate) fn listens(&self, device: DeviceId) {
        self.arrivals.note(device, true);
    }

    #[cfg(test)]
    fn call(&self, range: DeviceRange) {
        self.seats.call(range);
    }
}

impl LobbyChores {
    /// Calls devices that wait when there is something for them, and takes note of those that come, until `stop`. Then
    /// everybody who waits is let go.
    pub async fn run(self, service: Service, random: Random, stop: CancellationToken) {
        let Self { seats, arrived } = self;
        let call = |range: DeviceRange| seats.call(range);
        let chores = async { tokio::join!(hear_calls(&service, &random, call), arrived.run(&service)) };
        stop.run_until_cancelled(chores).await;
        seats.close();
        // Those who look at dashboards wait as well.
        service.live().close();
    }
}
