//! The heartbeat: a process says that it is alive and what it does, and hears what it is to do.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use drover_broker::Activity;
use drover_service::{Entropy, random_uuid};
use drover_store::{
    Store, StoreError,
    queues::workers::{self, Beat, Orders},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Roles,
    periodic::{Next, repeat},
    queues::Standing,
};

/// Between two beats, which is how long orders take at the most.
const PAUSE: Duration = Duration::from_secs(1);
/// A beat that takes longer has failed.
const BEAT_LIMIT: Duration = Duration::from_secs(5);

/// Where a process runs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The machine's name.
    pub host: String,
    /// Whether the broker is inside the process.
    pub holds_broker: bool,
}

/// Beats for one process.
pub(crate) struct Heart {
    store: Store,
    id: Uuid,
    place: Place,
    roles: String,
    activity: Activity,
    is_drained: Arc<AtomicBool>,
    orders: watch::Sender<Option<Orders>>,
    last: Mutex<(Instant, u64)>,
}

impl Heart {
    /// A heart, and the orders that it hears.
    pub(crate) fn new(
        store: Store,
        place: Place,
        roles: &Roles,
        activity: Activity,
        entropy: &dyn Entropy,
    ) -> (Self, Standing) {
        let (orders, standing) = Standing::new();
        let last = Mutex::new((Instant::now(), activity.handled()));
        let (id, is_drained) = (random_uuid(entropy), Arc::default());
        (Self { store, id, place, roles: roles.to_string(), activity, is_drained, orders, last }, standing)
    }

    /// To be set while the process takes no work and has none left.
    pub(crate) fn is_drained(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_drained)
    }

    /// Beats until `stop`, then leaves.
    pub(crate) async fn run(self, entropy: Arc<dyn Entropy>, stop: CancellationToken) {
        repeat("heartbeat", PAUSE, entropy.as_ref(), &stop, || self.step()).await;
        if let Ok(Err(error)) = timeout(BEAT_LIMIT, self.leave()).await {
            tracing::debug!(%error, "this process stays in the list of workers until it is seen to be gone");
        }
    }

    async fn step(&self) -> Result<Next, HeartError> {
        let (now, handled) = (Instant::now(), self.activity.handled());
        let (at, before) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let beat = Beat {
            id: self.id,
            host: &self.place.host,
            version: env!("CARGO_PKG_VERSION"),
            roles: &self.roles,
            holds_broker: self.place.holds_broker,
            in_flight: i64::try_from(self.activity.in_flight()).unwrap_or(i64::MAX),
            handled_per_s: per_s(handled - before, now - at),
            is_drained: self.is_drained.load(Ordering::Relaxed),
        };
        let beating = async { workers::beat(&self.store.client().await?, &beat).await };
        let orders = timeout(BEAT_LIMIT, beating).await.map_err(|_| HeartError::TimedOut)??;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (now, handled);
        self.orders.send_if_modified(|standing| {
            let is_new = standing.as_ref() != Some(&orders);
            *standing = Some(orders);
            is_new
        });
        Ok(Next::Later)
    }

    async fn leave(&self) -> Result<(), StoreError> {
        workers::leave(&self.store.client().await?, self.id).await
    }
}

/// Why a beat was missed.
#[derive(Debug, thiserror::Error)]
enum HeartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database did not answer in time")]
    TimedOut,
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // a rate
fn per_s(handled: u64, elapsed: Duration) -> f32 {
    if elapsed.is_zero() { 0.0 } else { (handled as f64 / elapsed.as_secs_f64()) as f32 }
}
