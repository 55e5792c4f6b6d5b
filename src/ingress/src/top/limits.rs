//! How many calls an application may make.
//!
//! Only calls whose signature was checked count: who merely knows an app key, which is no secret, cannot use it up. An
//! application that is over its limit is known as such until it recovers, so that its further calls cost no check.
//!
//! Each process counts for itself. Entries are as many as there are applications that ever called.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

/// The limits of every application.
pub(super) struct CallLimits<C: Clock = DefaultClock> {
    clock: C,
    applications: Mutex<HashMap<String, Application<C>>>,
}

struct Application<C: Clock> {
    calls_per_s: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    /// When it may call again.
    limited_until: Option<C::Instant>,
}

/// The application made too many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limited;

impl Default for CallLimits {
    fn default() -> Self {
        Self::new(DefaultClock::default())
    }
}

impl<C: Clock + Clone> CallLimits<C> {
    fn new(clock: C) -> Self {
        Self { clock, applications: Mutex::default() }
    }

    /// Refuses an application that is known to be over its limit. Counts nothing.
    pub(super) fn check(&self, app_key: &str) -> Result<(), Limited> {
        let mut applications = self.lock();
        let Some(application) = applications.get_mut(app_key) else { return Ok(()) };
        if application.limited_until.is_some_and(|until| self.clock.now() < until) {
            return Err(Limited);
        }
        application.limited_until = None;
        Ok(())
    }

    /// Counts a call of an application that may make `calls_per_s`, and as many at once.
    pub(super) fn count(&self, app_key: &str, calls_per_s: NonZeroU32) -> Result<(), Limited> {
        let mut applications = self.lock();
        let known = applications.get_mut(app_key).filter(|known| known.calls_per_s == calls_per_s);
        let application = match known {
            Some(known) => known,
            None => applications.entry(app_key.to_owned()).insert_entry(self.application(calls_per_s)).into_mut(),
        };
        application.limiter.check().map_err(|not_until| {
            application.limited_until = Some(not_until.earliest_possible());
            Limited
        })
    }

    fn application(&self, calls_per_s: NonZeroU32) -> Application<C> {
        let limiter = RateLimiter::direct_with_clock(Quota::per_second(calls_per_s), self.clock.clone());
        Application { calls_per_s, limiter, limited_until: None }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Application<C>>> {
        // Nothing panics while it holds the lock.
        self.applications.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

    #[test]
    fn who_calls_too_often_is_refused_until_it_recovers() {
        let clock = FakeRelativeClock::default();
        let limits = CallLimits::new(clock.clone());
        for _ in 0..2 {
            assert_eq!((limits.check("a"), limits.count("a", TWO)), (Ok(()), Ok(())));
        }
        assert_eq!(limits.check("a"), Ok(()), "nobody knows yet");
        assert_eq!(limits.count("a", TWO), Err(Limited));
        assert_eq!(limits.check("a"), Err(Limited));
        assert_eq!((limits.check("b"), limits.count("b", TWO)), (Ok(()), Ok(())), "another application");
        clock.advance(Duration::from_millis(501));
        assert_eq!((limits.check("a"), limits.count("a", TWO)), (Ok(()), Ok(())));
        assert_eq!(limits.count("a", TWO), Err(Limited));
    }

    #[test]
    fn to_be_checked_costs_nothing() {
        let limits = CallLimits::new(FakeRelativeClock::default());
        for _ in 0..100 {
            assert_eq!(limits.check("a"), Ok(()));
        }
        assert_eq!(limits.count("a", NonZeroU32::MIN), Ok(()));
    }

    #[test]
    fn a_new_limit_counts_at_once() {
        let limits = CallLimits::new(FakeRelativeClock::default());
        assert_eq!(limits.count("a", NonZeroU32::MIN), Ok(()));
        assert_eq!(limits.count("a", NonZeroU32::MIN), Err(Limited));
        for _ in 0..1000 {
            assert_eq!(limits.count("a", NonZeroU32::MAX), Ok(()));
        }
    }
}
