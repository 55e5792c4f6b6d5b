//! What is going on now, for everybody who looks: read once a second for all of them, and not at all when nobody does.
//!
//! Pages are put together of the newest [`Snapshot`] in memory. However many look, the database answers the same few
//! statements; who may see what of it is decided where it is shown, by [`Reach`](crate::Reach).

mod course;
mod reading;
mod snapshot;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drover_domain::JobId;
use drover_store::Store;
use tokio::{sync::watch, time::timeout};

use crate::{Entropy, Service};

pub use snapshot::{Figures, JobNow, Snapshot, WaitingLongest, Watched};

/// The gauge of those who look.
const VIEWERS: &str = "drover_dashboard_viewers";
/// The counter of readings.
const AGGREGATIONS: &str = "drover_dashboard_aggregations_total";
/// The histogram of how long they took.
const DURATION: &str = "drover_dashboard_aggregation_duration_seconds";
/// Jobs that are read in more detail because somebody looks at their pages; the pages of others show less at once.
const WATCHED_MAX: usize = 100;
/// How long a page waits for figures when nobody has looked before.
const LOOK_MAX: Duration = Duration::from_secs(3);

/// What is going on now; clones are the same one.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    entropy: Arc<dyn Entropy>,
    interval: Duration,
    latest: watch::Sender<Arc<Snapshot>>,
    /// Whether the process ends.
    is_closed: watch::Sender<bool>,
    audience: Mutex<Audience>,
    /// Kept when nobody looks for a while: since when a job stands still is known all the better.
    course: Mutex<course::Course>,
}

/// Who looks.
#[derive(Default)]
struct Audience {
    viewers: usize,
    /// Whether the loop is at work: it is started by the first and ends after the last.
    is_read: bool,
    /// By job, how many look at its page.
    watched: HashMap<JobId, usize>,
}

impl Live {
    pub(crate) fn new(store: Store, entropy: Arc<dyn Entropy>, interval: Duration) -> Self {
        let latest = watch::Sender::new(Arc::default());
        Self {
            shared: Arc::new(Shared {
                store,
                entropy,
                interval,
                latest,
                is_closed: watch::Sender::new(false),
                audience: Mutex::default(),
                course: Mutex::default(),
            }),
        }
    }

    /// Somebody looks, until the answer is dropped.
    pub fn subscribe(&self) -> Viewer {
        let mut audience = self.shared.audience();
        audience.viewers += 1;
        metrics::gauge!(VIEWERS).increment(1.0);
        if !std::mem::replace(&mut audience.is_read, true) {
            tokio::spawn(reading::run(Arc::clone(&self.shared)));
        }
        drop(audience);
        Viewer { snapshots: self.shared.latest.subscribe(), shared: Arc::clone(&self.shared) }
    }

    /// What is going on, once: a reading that is of now, or the last there was when the database does not answer.
    pub async fn look(&self) -> Arc<Snapshot> {
        let mut viewer = self.subscribe();
        let latest = viewer.latest();
        if latest.is_younger_than(self.shared.interval * 2) {
            return latest;
        }
        timeout(LOOK_MAX, viewer.changed()).await.ok().flatten().unwrap_or(latest)
    }

    /// Lets everybody go: the process is about to end.
    pub fn close(&self) {
        self.shared.is_closed.send_replace(true);
    }

    /// What was read last, without looking: it may be long ago.
    pub fn peek(&self) -> Arc<Snapshot> {
        Arc::clone(&self.shared.latest.borrow())
    }

    /// Somebody looks at a job's page, until the answer is dropped. `None`: too many other jobs are looked at, and of this one
    /// no more is read than of all.
    pub fn watch_job(&self, job: JobId) -> Option<WatchedJob> {
        let mut audience = self.shared.audience();
        let is_full = audience.watched.len() >= WATCHED_MAX;
        match audience.watched.get_mut(&job) {
            Some(viewers) => *viewers += 1,
            None if is_full => return None,
            None => drop(audience.watched.insert(job, 1)),
        }
        drop(audience);
        Some(WatchedJob { job, shared: Arc::clone(&self.shared) })
    }

    /// Whether readings go on: from the first who looks until shortly after the last.
    pub fn is_read(&self) -> bool {
        self.shared.audience().is_read
    }

    /// How many look.
    pub fn viewers(&self) -> usize {
        self.shared.audience().viewers
    }
}

impl Shared {
    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn course(&self) -> MutexGuard<'_, course::Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the loop is to go on. If not, the next viewer starts it anew.
    fn goes_on(&self) -> bool {
        let mut audience = self.audience();
        audience.is_read = audience.viewers > 0;
        audience.is_read
    }

    fn watched(&self) -> Vec<i64> {
        let mut watched: Vec<i64> = self.audience().watched.keys().map(|job| job.0).collect();
        watched.sort_unstable();
        watched
    }
}

/// Somebody who looks.
pub struct Viewer {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    shared: Arc<Shared>,
}

impl Viewer {
    /// What was read last; before the first reading, nothing.
    pub fn latest(&mut self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow_and_update())
    }

    /// Waits for the next reading; `None`: there will be none, the process is about to end. Who is slow misses some, and gets
    /// the newest.
    pub async fn changed(&mut self) -> Option<Arc<Snapshot>> {
        let mut is_closed = self.shared.is_closed.subscribe();
        tokio::select! {
            biased;
            _ = is_closed.wait_for(|is_closed| *is_closed) => None,
            changed = self.snapshots.changed() => {
                changed.ok()?;
                Some(self.latest())
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.shared.audience().viewers -= 1;
        metrics::gauge!(VIEWERS).decrement(1.0);
    }
}

/// A job whose page somebody looks at.
pub struct WatchedJob {
    job: JobId,
    shared: Arc<Shared>,
}

impl Drop for WatchedJob {
    fn drop(&mut self) {
        let mut audience = self.shared.audience();
        if let Some(viewers) = audience.watched.get_mut(&self.job) {
            *viewers -= 1;
            if *viewers == 0 {
                audience.watched.remove(&self.job);
            }
        }
    }
}

impl Service {
    /// What is going on now, for everybody who looks.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }
}
