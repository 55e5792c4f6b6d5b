//! How often logins may fail.

use std::{
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use moka::{future::Cache, policy::EvictionPolicy};
use tokio::time::Instant;

/// Failed logins under one name that are answered as such in one window.
const FAILURES_MAX: u32 = 10;
/// How long failures are counted together.
const WINDOW: Duration = Duration::from_mins(1);
/// Names whose failures are counted, some megabytes. When there are more, the oldest are forgotten.
const COUNTED: u64 = 8_192;

/// Failed logins by name.
pub(crate) struct Failures<K> {
    windows: Cache<K, Arc<Window>>,
}

struct Window {
    began: Instant,
    count: AtomicU32,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Failures<K> {
    pub(crate) fn new() -> Self {
        let windows = Cache::builder().max_capacity(COUNTED).eviction_policy(EvictionPolicy::lru());
        Self { windows: windows.time_to_live(WINDOW).build() }
    }

    /// Counts a failure. When there were too many, the time until they are forgotten.
    pub(crate) async fn count(&self, name: &K) -> Option<Duration> {
        let new = async { Arc::new(Window { began: Instant::now(), count: AtomicU32::new(0) }) };
        let over = |window: &Arc<Window>| window.began.elapsed() >= WINDOW;
        let window = self.windows.entry_by_ref(name).or_insert_with_if(new, over).await.into_value();
        let failed_before = window.count.fetch_add(1, Ordering::Relaxed);
        (failed_before >= FAILURES_MAX).then(|| WINDOW.saturating_sub(window.began.elapsed()))
    }

    /// Forgets the failures under a name: its owner was here.
    pub(crate) async fn forgive(&self, name: &K) {
        self.windows.invalidate(name).await;
    }
}

/// Look-ups that may find nobody: a bucket that fills again at a fixed rate, and is never less than empty.
pub(crate) struct Budget {
    per_second: u32,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    left: f64,
    filled_at: Instant,
}

impl Budget {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second, bucket: Mutex::new(Bucket { left: per_second.into(), filled_at: Instant::now() }) }
    }

    /// Whether there is nothing to [take](Self::take) now.
    pub(crate) fn is_spent(&self) -> bool {
        self.with_bucket(|bucket| bucket.left < 1.0)
    }

    /// Pays for a look-up, before it is made. `false` when there is nothing left.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        self.with_bucket(|bucket| {
            let is_enough = bucket.left >= 1.0;
            if is_enough {
                bucket.left -= 1.0;
            }
            is_enough
        })
    }

    /// Gives back what was taken for a look-up that found somebody.
    pub(crate) fn give_back(&self) {
        self.with_bucket(|bucket| bucket.left += 1.0);
    }

    fn with_bucket<T>(&self, use_it: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let most = f64::from(self.per_second);
        let now = Instant::now();
        bucket.left = (bucket.left + most * (now - bucket.filled_at).as_secs_f64()).min(most);
        bucket.filled_at = now;
        use_it(&mut bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_name_and_forgotten_after_a_while() {
        let failures = Failures::new();
        let (a, b) = ("a", "b");
        for _ in 0..FAILURES_MAX {
            assert_eq!(failures.count(&a).await, None);
        }
        tokio::time::advance(WINDOW / 4).await;
        assert_eq!(failures.count(&a).await, Some(WINDOW * 3 / 4));
        assert_eq!(failures.count(&b).await, None, "another's");
        tokio::time::advance(WINDOW * 3 / 4).await;
        assert_eq!(failures.count(&a).await, None);
        for _ in 0..FAILURES_MAX {
            failures.count(&a).await;
        }
        failures.forgive(&a).await;
        assert_eq!(failures.count(&a).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_has_a_rate_and_no_debts() {
        let budget = Budget::new(100);
        for _ in 0..100 {
            assert!(!budget.is_spent() && budget.take());
        }
        for _ in 0..1000 {
            assert!(budget.is_spent() && !budget.take());
        }
        tokio::time::advance(Duration::from_millis(10)).await;
        assert!(budget.take(), "whoever asked in vain took nothing from the next");
        assert!(!budget.take());
        budget.give_back();
        assert!(budget.take() && !budget.take());
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..1000).filter(|_| budget.take()).count(), 100, "what was not used is not saved up");
    }
}
