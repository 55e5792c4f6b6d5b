//! The calls of the last minutes: each signature is good for one call.
//!
//! This is one process's memory, and bounded. What does not fit is refused rather than let through. A call is remembered until
//! its timestamp is stale, which may be up to twice the allowed skew away; the calls of one minute are forgotten together.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// The most calls that are remembered: 6,000 a second for as long as their timestamps can be good. A hundred megabytes or so.
const MAX_CALLS: usize = 8_000_000;
const MINUTE_S: i64 = 60;

/// What was seen, as keyed hashes: nobody can make calls that collide, and by chance 8 million of them do not.
#[derive(Debug)]
pub(super) struct Replays {
    keys: RandomState,
    max_calls: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By the minute in which they become stale.
    generations: BTreeMap<i64, HashSet<u64>>,
    calls: usize,
}

/// Why a call is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It was seen before.
    Replayed,
    /// Its timestamp became too old on its way here, so whether it was seen may be forgotten.
    Stale,
    /// There is no room to remember it.
    Full,
}

/// A call that was let through. It is forgotten again unless it is [kept](Self::keep): who was not answered, or was told to come
/// again, sends the same signed call once more.
#[derive(Debug)]
#[must_use]
pub(super) struct Admission {
    replays: Arc<Replays>,
    minute: i64,
    call: u64,
    is_kept: bool,
}

impl Default for Replays {
    fn default() -> Self {
        Self::with_room_for(MAX_CALLS)
    }
}

impl Replays {
    fn with_room_for(max_calls: usize) -> Self {
        Self { keys: RandomState::new(), max_calls, seen: Mutex::default() }
    }

    /// Lets a call through whose signature was checked, once. `stale_at` is when its timestamp will be refused.
    pub(super) fn admit(
        self: &Arc<Self>,
        app_key: &str,
        signature: &[u8],
        now: DateTime<Utc>,
        stale_at: DateTime<Utc>,
    ) -> Result<Admission, Rejected> {
        if stale_at < now {
            return Err(Rejected::Stale);
        }
        let call = self.keys.hash_one((app_key, signature));
        // The signature covers the timestamp, so the same call comes in the same generation.
        let minute = stale_at.timestamp().div_euclid(MINUTE_S);
        self.with(|seen| seen.remember(minute, call, now.timestamp().div_euclid(MINUTE_S), self.max_calls))?;
        Ok(Admission { replays: Arc::clone(self), minute, call, is_kept: false })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        // Nothing panics while it holds the lock.
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    fn remember(&mut self, minute: i64, call: u64, this_minute: i64, max_calls: usize) -> Result<(), Rejected> {
        while let Some(oldest) = self.generations.first_entry().filter(|oldest| *oldest.key() < this_minute) {
            self.calls -= oldest.remove().len();
        }
        let is_known = self.generations.get(&minute).is_some_and(|calls| calls.contains(&call));
        if is_known {
            return Err(Rejected::Replayed);
        }
        if self.calls >= max_calls {
            return Err(Rejected::Full);
        }
        self.generations.entry(minute).or_default().insert(call);
        self.calls += 1;
        Ok(())
    }

    fn forget(&mut self, minute: i64, call: u64) {
        if self.generations.get_mut(&minute).is_some_and(|calls| calls.remove(&call)) {
            self.calls -= 1;
        }
    }
}

impl Admission {
    /// The call was answered, and is never let through again.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.is_kept {
            self.replays.with(|seen| seen.forget(self.minute, self.call));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(s, 0).unwrap()
    }

    fn calls(replays: &Replays) -> usize {
        replays.with(|seen| {
            assert_eq!(seen.calls, seen.generations.values().map(HashSet::len).sum::<usize>());
            seen.calls
        })
    }

    #[test]
    fn a_call_is_let_through_once_while_its_timestamp_is_good() {
        let replays = Arc::new(Replays::default());
        let admit = |app_key, signature: &[u8], now| replays.admit(app_key, signature, at(now), at(600));
        admit("a", b"1", 0).unwrap().keep();
        for now in [0, 60, 599, 600] {
            assert_eq!(admit("a", b"1", now).unwrap_err(), Rejected::Replayed, "{now}");
        }
        admit("a", b"2", 0).unwrap().keep();
        admit("b", b"1", 0).unwrap().keep();
        assert_eq!(calls(&replays), 3);
        replays.admit("c", b"1", at(660), at(1260)).unwrap().keep();
        assert_eq!(calls(&replays), 1, "the stale ones are forgotten");
    }

    #[test]
    fn a_call_that_became_stale_on_its_way_is_refused() {
        let replays = Arc::new(Replays::default());
        let admit = |now| replays.admit("a", b"1", at(now), at(600));
        admit(0).unwrap().keep();
        replays.admit("b", b"1", at(660), at(1260)).unwrap().keep();
        assert_eq!(admit(660).unwrap_err(), Rejected::Stale, "nobody knows any more that it was answered");
        assert_eq!(calls(&replays), 1);
    }

    #[test]
    fn a_call_that_was_not_answered_may_come_again() {
        let replays = Arc::new(Replays::default());
        let admit = || replays.admit("a", b"1", at(0), at(600));
        let under_way = admit().unwrap();
        assert_eq!(admit().unwrap_err(), Rejected::Replayed, "not twice at once");
        drop(under_way);
        assert_eq!(calls(&replays), 0);
        admit().unwrap().keep();
        assert_eq!(admit().unwrap_err(), Rejected::Replayed);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let replays = Arc::new(Replays::with_room_for(2));
        let admit = |signature: &[u8], now: i64| replays.admit("a", signature, at(now), at(now + 600));
        admit(b"1", 0).unwrap().keep();
        let last = admit(b"2", 0).unwrap();
        assert_eq!(admit(b"3", 0).unwrap_err(), Rejected::Full);
        assert_eq!(admit(b"1", 0).unwrap_err(), Rejected::Replayed, "known is known");
        drop(last);
        admit(b"3", 0).unwrap().keep();
        admit(b"4", 660).unwrap().keep();
        assert_eq!(calls(&replays), 1, "time makes room");
    }

    #[test]
    fn forgetting_what_is_stale_already_changes_nothing() {
        let replays = Arc::new(Replays::default());
        let slow = replays.admit("a", b"1", at(0), at(600)).unwrap();
        replays.admit("a", b"2", at(700), at(1300)).unwrap().keep();
        drop(slow);
        assert_eq!(calls(&replays), 1);
    }
}
