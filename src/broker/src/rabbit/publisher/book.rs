//! Who waits for what: calls, messages in line, and messages in flight. No IO.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::{Call, Checked};
use crate::{
    BrokerError, PublishError,
    rabbit::returns::{Confirm, Flight, Returns, Verdict},
};

/// A message of a call.
#[derive(Debug, Clone, Copy)]
struct Seat {
    call: u64,
    index: usize,
}

/// A call whose results are not all there.
#[derive(Debug)]
struct Open {
    reply: oneshot::Sender<Vec<Result<(), PublishError>>>,
    results: Vec<Option<Result<(), PublishError>>>,
    missing: usize,
}

/// A message that was handed to the channel.
#[derive(Debug)]
struct Flying {
    seat: Seat,
    since: Instant,
    /// Its call has been told that it timed out. It still takes room: the broker may yet confirm it.
    given_up: bool,
}

/// A message in line.
#[derive(Debug)]
struct Waiting {
    seat: Seat,
    since: Instant,
    parcel: Checked,
}

/// How a flight ended.
#[derive(Debug)]
pub(super) enum Landing {
    Confirmed(Confirm),
    /// Refused; a return may still have come with it, which belongs to some message.
    Rejected(Confirm),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Book {
    deadline: Duration,
    window: usize,
    next_call: u64,
    next_flight: Flight,
    calls: HashMap<u64, Open>,
    line: VecDeque<Waiting>,
    flights: BTreeMap<Flight, Flying>,
    returns: Returns,
    last_progress: Instant,
    last_error: Option<BrokerError>,
}

impl Book {
    pub(super) fn new(deadline: Duration, window: usize) -> Self {
        Self {
            deadline,
            window,
            next_call: 0,
            next_flight: 0,
            calls: HashMap::new(),
            line: VecDeque::new(),
            flights: BTreeMap::new(),
            returns: Returns::default(),
            last_progress: Instant::now(),
            last_error: None,
        }
    }

    /// Whether another call may be accepted. Beyond a window's worth in line, callers wait outside.
    pub(super) fn accepts(&self) -> bool {
        self.line.len() < self.window
    }

    /// Whether nobody waits for anything.
    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn accept(&mut self, call: Call) {
        let number = self.next_call;
        self.next_call += 1;
        let count = call.parcels.len();
        self.calls.insert(number, Open { reply: call.reply, results: vec![None; count], missing: count });
        for (index, parcel) in call.parcels.into_iter().enumerate() {
            let seat = Seat { call: number, index };
            match parcel.check() {
                Ok(parcel) => self.line.push_back(Waiting { seat, since: call.since, parcel }),
                Err(error) => self.finish(seat, Err(error)),
            }
        }
    }

    /// The next message to hand to the channel, if the window has room.
    pub(super) fn take_off(&mut self) -> Option<(Flight, Checked)> {
        if self.flights.len() >= self.window {
            return None;
        }
        let Waiting { seat, parcel, .. } = self.line.pop_front()?;
        let flight = self.next_flight;
        self.next_flight += 1;
        self.flights.insert(flight, Flying { seat, since: Instant::now(), given_up: false });
        Some((flight, parcel))
    }

    /// Takes in every landing since the last time.
    pub(super) fn land(&mut self, landings: Vec<Landing>) {
        self.last_progress = Instant::now();
        self.last_error = None;
        let mut confirms = Vec::with_capacity(landings.len());
        let mut rejected = Vec::new();
        for landing in landings {
            match landing {
                Landing::Confirmed(confirm) => confirms.push(confirm),
                Landing::Rejected(confirm) => {
                    rejected.push(confirm.flight);
                    confirms.push(confirm);
                }
            }
        }
        // Confirms in doubt are still on the books, so they do not keep this from being idle.
        let idle = self.flights.len() <= confirms.len() + self.returns.doubts();
        for (flight, verdict) in self.returns.judge(confirms, idle) {
            let result = match verdict {
                Verdict::Returned(reply) => Err(PublishError::Unroutable { reply }),
                Verdict::Confirmed if rejected.contains(&flight) => Err(PublishError::Rejected),
                Verdict::Confirmed => Ok(()),
            };
            if let Some(flying) = self.flights.remove(&flight)
                && !flying.given_up
            {
                self.finish(flying.seat, result);
            }
        }
    }

    /// Ends what has waited too long: in flight since it took off, in line since anything last moved.
    pub(super) fn expire(&mut self) {
        let Some(horizon) = Instant::now().checked_sub(self.deadline) else { return };
        let late: Vec<Seat> = self
            .flights
            .values_mut()
            .take_while(|flying| flying.since <= horizon)
            .filter(|flying| !flying.given_up)
            .map(|flying| {
                flying.given_up = true;
                flying.seat
            })
            .collect();
        for seat in late {
            self.finish(seat, Err(PublishError::TimedOut));
        }
        while let Some(waiting) = self.line.pop_front_if(|first| first.since.max(self.last_progress) <= horizon) {
            let error = match &self.last_error {
                Some(error) => PublishError::Connection(error.clone()),
                None => PublishError::TimedOut,
            };
            self.finish(waiting.seat, Err(error));
        }
    }

    /// Whether the oldest flight has been out for so many deadlines that its confirm will not come.
    pub(super) fn is_stalled(&self, deadlines: u32) -> bool {
        let oldest = self.flights.values().next();
        oldest.is_some_and(|flying| flying.since.elapsed() > self.deadline * deadlines)
    }

    /// The session ended: what was in flight may or may not have arrived. What is in line waits for the next one.
    pub(super) fn fail_flights(&mut self, error: &BrokerError) {
        self.last_error = Some(error.clone());
        self.returns = Returns::default();
        for flying in std::mem::take(&mut self.flights).into_values() {
            if !flying.given_up {
                self.finish(flying.seat, Err(PublishError::Connection(error.clone())));
            }
        }
    }

    /// Remembers why there is no session, for calls that wait for one, or that there is one.
    pub(super) fn note(&mut self, error: Option<BrokerError>) {
        self.last_error = error;
    }

    pub(super) fn fail_all(&mut self, error: &BrokerError) {
        self.fail_flights(error);
        for waiting in std::mem::take(&mut self.line) {
            self.finish(waiting.seat, Err(PublishError::Connection(error.clone())));
        }
    }

    fn finish(&mut self, seat: Seat, result: Result<(), PublishError>) {
        let Some(open) = self.calls.get_mut(&seat.call) else { return };
        open.results[seat.index] = Some(result);
        open.missing -= 1;
        if open.missing == 0
            && let Some(Open { reply, results, .. }) = self.calls.remove(&seat.call)
        {
            // A caller that stopped waiting needs no answer.
            let _ = reply.send(results.into_iter().flatten().collect());
        }
    }
}
