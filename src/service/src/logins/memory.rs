//! What is known of those who come with a name or a token, and for how long.

use std::{
    fmt,
    future::Future,
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use moka::{Expiry, future::Cache, policy::EvictionPolicy};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::Budget;
use crate::ServiceError;

/// The most names that are remembered: about 40 MB when there are so many.
const REMEMBERED: u64 = 65_536;
/// How long somebody who was here is no stranger.
const RECOGNISED_FOR: Duration = Duration::from_hours(1);
/// How long a name that was nobody's, or was taken back, is no stranger's either after it was last looked up.
const NOBODY_FOR: Duration = Duration::from_mins(1);
/// Look-ups a second of names that nobody is known to have. One takes the database less than a tenth of a millisecond.
const STRANGERS_PER_SECOND: u32 = 100;
/// Look-ups a second of names that were nobody's a short while ago: who was revoked and tries again and again.
const REPEATS_PER_SECOND: u32 = 100;
/// Look-ups at a time: the other connections of the pool are for others.
const LOOKUPS_AT_ONCE: usize = 4;
/// How long a look-up waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(5);

/// What is remembered of those who logged in, and of those who failed to: `K` is what they come with, `V` who they are.
pub(crate) struct Memory<K, V> {
    known: Cache<K, Looked<V>>,
    strangers: Budget,
    repeats: Budget,
    turns: Semaphore,
    /// How long the database's answer is believed.
    life: Duration,
}

/// The database's answer about a name.
struct Looked<V> {
    at: Instant,
    found: Result<Option<Arc<V>>, Arc<ServiceError>>,
    standing: Standing,
}

impl<V> Clone for Looked<V> {
    fn clone(&self) -> Self {
        Self { at: self.at, found: self.found.clone(), standing: self.standing }
    }
}

/// What is known of a name when the answer is no longer believed: who pays for the next look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was somebody's lately, so looking it up again is no stranger's doing.
    Recognised,
    /// It was nobody's lately. Whoever repeats that must not use up what strangers have.
    Nobody,
    /// Anybody may have made it up.
    Unknown,
}

/// How long an answer is kept. It is of use after it is no longer believed: it says who is no stranger. Nobody's go soon, and
/// their number is bounded by the strangers' budget: they must not push out the others.
struct Worth {
    life: Duration,
}

impl Worth {
    fn of<V>(&self, looked: &Looked<V>) -> Duration {
        match looked.standing {
            Standing::Recognised => RECOGNISED_FOR,
            Standing::Nobody => self.life.max(NOBODY_FOR),
            Standing::Unknown => self.life,
        }
    }
}

impl<K, V> Expiry<K, Looked<V>> for Worth {
    fn expire_after_create(&self, _: &K, looked: &Looked<V>, _: StdInstant) -> Option<Duration> {
        Some(self.of(looked))
    }

    fn expire_after_update(&self, _: &K, looked: &Looked<V>, _: StdInstant, _: Option<Duration>) -> Option<Duration> {
        Some(self.of(looked))
    }
}

/// Nobody is looked up before the strangers' budget has recovered.
pub(crate) struct TooManyStrangers;

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("life", &self.life).finish_non_exhaustive()
    }
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// A memory that believes the database's answer for `life`.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            // The newest is always taken in: it is asked for again at once.
            known: Cache::builder()
                .max_capacity(REMEMBERED)
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(Worth { life })
                .build(),
            strangers: Budget::new(STRANGERS_PER_SECOND),
            repeats: Budget::new(REPEATS_PER_SECOND),
            turns: Semaphore::new(LOOKUPS_AT_ONCE),
            life,
        }
    }

    /// What the database says of `name`, now or a short while ago; `read` asks it. Callers who ask at once share one look-up.
    ///
    /// A look-up that may find nobody is paid for before it is made, by whoever has the turn to make it: so of callers who
    /// come at once, however many, no more get through than the budget has, and who is known gets back the payment before the
    /// next one's turn.
    pub(crate) async fn look_up(
        &self,
        name: &K,
        read: impl Future<Output = Result<Option<V>, ServiceError>>,
    ) -> Result<Result<Option<Arc<V>>, TooManyStrangers>, ServiceError> {
        let standing = match self.remembered(name).await {
            Ok(fresh) => return answer(fresh),
            Err(standing) => standing,
        };
        // Those who could not pay need not wait for it.
        if self.budget(standing).is_some_and(Budget::is_spent) {
            return Ok(unpaid(standing));
        }
        let turn = timeout(TURN_LIMIT, self.turns.acquire()).await;
        let _turn = turn.map_err(|error| ServiceError::Unavailable(Box::new(error)))?;
        // Another may have asked the same meanwhile.
        let standing = match self.remembered(name).await {
            Ok(fresh) => return answer(fresh),
            Err(standing) => standing,
        };
        let budget = self.budget(standing);
        if budget.is_some_and(|budget| !budget.take()) {
            return Ok(unpaid(standing));
        }
        let ask = ask(read, standing);
        let entry = self.known.entry_by_ref(name).or_insert_with_if(ask, |looked| !self.is_fresh(looked)).await;
        // Whoever leaves before the answer has paid all the same: the database was asked.
        let has_found_nobody = entry.is_fresh() && matches!(entry.value().found, Ok(None));
        if let Some(budget) = budget.filter(|_| !has_found_nobody) {
            budget.give_back();
        }
        answer(entry.into_value())
    }

    /// Asks the database anew about `name` the next time.
    pub(crate) async fn doubt(&self, name: &K) {
        self.known.invalidate(name).await;
    }

    /// What is believed of a name, or else what is known of it.
    async fn remembered(&self, name: &K) -> Result<Looked<V>, Standing> {
        let looked = self.known.get(name).await.ok_or(Standing::Unknown)?;
        if self.is_fresh(&looked) { Ok(looked) } else { Err(looked.standing) }
    }

    /// What pays for a look-up, if it is limited.
    fn budget(&self, standing: Standing) -> Option<&Budget> {
        match standing {
            Standing::Recognised => None,
            Standing::Nobody => Some(&self.repeats),
            Standing::Unknown => Some(&self.strangers),
        }
    }

    /// An error is nothing to believe for any time: whoever comes next asks again.
    fn is_fresh(&self, looked: &Looked<V>) -> bool {
        looked.found.is_ok() && looked.at.elapsed() < self.life
    }
}

async fn ask<V>(read: impl Future<Output = Result<Option<V>, ServiceError>>, before: Standing) -> Looked<V> {
    let at = Instant::now();
    let found = read.await;
    let standing = match &found {
        Ok(Some(_)) => Standing::Recognised,
        Ok(None) => Standing::Nobody,
        Err(_) => before,
    };
    Looked { at, found: found.map(|known| known.map(Arc::new)).map_err(Arc::new), standing }
}

fn answer<V>(looked: Looked<V>) -> Result<Result<Option<Arc<V>>, TooManyStrangers>, ServiceError> {
    match looked.found {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.is_unavailable() => Err(ServiceError::Unavailable(Box::new(error))),
        Err(error) => Err(ServiceError::Internal(Box::new(error))),
    }
}

/// The answer when no look-up can be paid for: who was nobody a short while ago is believed to be so still.
fn unpaid<V>(standing: Standing) -> Result<Option<Arc<V>>, TooManyStrangers> {
    match standing {
        Standing::Nobody => Ok(None),
        Standing::Recognised | Standing::Unknown => Err(TooManyStrangers),
    }
}
