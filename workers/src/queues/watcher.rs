//! Looks at the queues every other second, one process for all, and collects what is dead in them.

use std::{sync::Arc, time::Duration};

use drover_broker::{Broker, BrokerError, QueueState, WorkerError};
use drover_service::Entropy;
use drover_store::{
    Store,
    queues::{self, QueueSample},
};
use tokio_util::sync::CancellationToken;

use super::collector::{CollectError, collect};
use crate::periodic::{Next, repeat};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// A look that somebody else took so lately is good enough.
const FRESH: Duration = Duration::from_millis(1_500);

pub(crate) struct Watcher {
    store: Store,
    broker: Broker,
}

impl Watcher {
    pub(crate) fn new(store: Store, broker: Broker) -> Self {
        Self { store, broker }
    }

    /// Runs until `stop`.
    pub(crate) async fn run(self, entropy: Arc<dyn Entropy>, stop: CancellationToken) -> Result<(), WorkerError> {
        repeat("queues", PAUSE, entropy.as_ref(), &stop, || self.step(&stop)).await;
        Ok(())
    }

    async fn step(&self, stop: &CancellationToken) -> Result<Next, CollectError> {
        let is_fresh = queues::is_sample_fresh(&self.store.client().await?, FRESH).await?;
        match if is_fresh { Ok(()) } else { self.look(stop).await } {
            // Of an outage the broker's client has spoken, once.
            Err(CollectError::Broker(error)) if !error.is_fatal() => {
                tracing::debug!(%error, "the queues could not be looked at");
                Ok(Next::Later)
            }
            Err(CollectError::Broker(BrokerError::Closed)) => Ok(Next::Later),
            looked => looked.map(|()| Next::Later),
        }
    }

    async fn look(&self, stop: &CancellationToken) -> Result<(), CollectError> {
        let states = self.broker.queue_states().await?;
        let samples: Vec<QueueSample> = states.iter().map(sample).collect();
        queues::note_samples(&self.store.client().await?, &samples).await?;
        for state in states.iter().filter(|state| state.dead > 0) {
            collect(&self.store, &self.broker, state.queue, stop).await?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation)] // rates
fn sample(state: &QueueState) -> QueueSample {
    let count = |messages: u64| i64::try_from(messages).unwrap_or(i64::MAX);
    QueueSample {
        name: state.queue.to_string(),
        ready: count(state.ready),
        unacked: state.unacked.map(count),
        consumers: count(state.consumers),
        published_per_s: state.published_per_s.map(|rate| rate as f32),
        delivered_per_s: state.delivered_per_s.map(|rate| rate as f32),
        retrying: count(state.retrying),
        dead: count(state.dead),
    }
}
