//! The calls of the last minutes. The document's scheme signs neither method nor path, so who sees a signed call could send
//! it to another address: a read to where the same parameters delete. What was signed for one address is therefore good
//! for that one alone. The same call sent again is none of this: clients try again.
//!
//! This is one process's memory, and bounded: it makes the attack harder and does not end it. TLS does.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use http::Method;

use super::{Gateway, errors::AepError, signature::MacBytes};

/// A call whose signature was checked, though not yet for which address.
#[derive(Clone, Copy)]
pub(super) struct Proven {
    pub mac: MacBytes,
    /// When its timestamp will be refused.
    pub stale_at: DateTime<Utc>,
}

impl Proven {
    /// Refuses a call that was sent to another address before: the signature says nothing of the address.
    pub(super) fn only_here(self, gateway: &Gateway, method: &Method, path: &str) -> Result<(), AepError> {
        if gateway.replays.admits(self.mac, method, path, gateway.now(), self.stale_at) {
            Ok(())
        } else {
            let reason = "the same signature was used at another address; sign each call with a timestamp of its own";
            Err(AepError::unauthorized(reason))
        }
    }
}

/// The most calls that are remembered, about 15 MB of them. A caller whose rate is higher pushes out its own past early.
const MAX_CALLS: usize = 100_000;

/// Where each call of the last minutes went.
#[derive(Debug, Default)]
pub(super) struct Replays(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The address of each call, by its MAC. That covers the application and the time, so it stands for all three; and it
    /// has one form only, where a header has many.
    addresses: HashMap<MacBytes, Box<str>>,
    /// The same calls in the order in which they came, with the time at which each is too old to be sent again.
    order: VecDeque<(DateTime<Utc>, MacBytes)>,
}

impl Replays {
    /// Whether a call, whose signature was checked, may go to this address: it is new, or went there before. `stale_at` is
    /// when its timestamp will be refused.
    pub(super) fn admits(
        &self,
        mac: MacBytes,
        method: &Method,
        path: &str,
        now: DateTime<Utc>,
        stale_at: DateTime<Utc>,
    ) -> bool {
        // Reads are one address: a client may ask for a task's detail and its text with one timestamp, and nothing is lost.
        let address = if method == Method::GET { "GET".to_owned() } else { format!("{method} {path}") };
        // Nothing panics while it holds the lock.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.addresses.get(&mac) {
            return **known == *address;
        }
        seen.forget(now);
        seen.addresses.insert(mac, address.into());
        seen.order.push_back((stale_at, mac));
        true
    }
}

impl Seen {
    /// Makes room: drops the oldest calls while they are stale, or too many.
    fn forget(&mut self, now: DateTime<Utc>) {
        while let Some((stale_at, mac)) = self.order.front() {
            if *stale_at >= now && self.order.len() < MAX_CALLS {
                return;
            }
            self.addresses.remove(mac);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const PATH: &str = "/aep_upgrade_management/task";

    fn mac(n: usize) -> MacBytes {
        let mut mac = MacBytes::default();
        mac[..8].copy_from_slice(&n.to_be_bytes());
        mac
    }

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(s, 0).unwrap()
    }

    #[test]
    fn a_call_is_good_for_one_address() {
        let replays = Replays::default();
        let admits = |n, method, path| replays.admits(mac(n), &method, path, at(0), at(600));
        assert!(admits(1, Method::GET, PATH) && admits(1, Method::GET, PATH), "the same call again");
        assert!(admits(1, Method::GET, "/aep_upgrade_management/detail"), "reading something else");
        assert!(!admits(1, Method::DELETE, PATH) && !admits(1, Method::PUT, PATH));
        assert!(admits(1, Method::GET, PATH), "a refused one leaves no trace");
        assert!(admits(2, Method::DELETE, PATH), "another call");
    }

    #[test]
    fn memory_is_bounded_by_time_and_by_number() {
        let replays = Replays::default();
        let calls = || replays.0.lock().unwrap().order.len();
        let admits = |n, now| replays.admits(mac(n), &Method::GET, PATH, now, now + TimeDelta::minutes(10));
        assert!(admits(0, at(0)) && admits(1, at(1)));
        assert!(admits(2, at(601)));
        assert_eq!(calls(), 2, "the first is stale");
        for n in 3..=MAX_CALLS + 1 {
            assert!(admits(n, at(601)));
        }
        assert_eq!((calls(), replays.0.lock().unwrap().addresses.len()), (MAX_CALLS, MAX_CALLS));
        let elsewhere = |n| replays.admits(mac(n), &Method::PUT, PATH, at(601), at(1201));
        assert!(!elsewhere(2) && elsewhere(1), "the oldest is forgotten first");
    }
}
