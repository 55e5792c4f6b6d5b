//! What the metrics say of rows: asked of the database every few seconds, whatever happens.

use std::{sync::Arc, time::Duration};

use drover_broker::WorkerError;
use drover_domain::{CommandState, JobKind, JobState};
use drover_service::Entropy;
use drover_store::{Store, StoreError, stats};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

const PAUSE: Duration = Duration::from_secs(2);

/// Runs until `stop`.
pub(crate) async fn run(store: Store, entropy: Arc<dyn Entropy>, stop: CancellationToken) -> Result<(), WorkerError> {
    repeat("gauges", PAUSE, entropy.as_ref(), &stop, || step(&store)).await;
    Ok(())
}

async fn step(store: &Store) -> Result<Next, StoreError> {
    let client = store.client().await?;
    let (jobs, commands) = (stats::active_jobs(&client).await?, stats::active_commands(&client).await?);
    for kind in JobKind::ALL {
        // A state that nothing is in any more must go back to 0, so every one is set each time.
        for state in [JobState::Scheduled, JobState::Running, JobState::Paused] {
            set("drover_jobs", kind.as_str(), state.as_str(), &jobs);
        }
        for state in CommandState::ALL {
            set("drover_commands", kind.as_str(), state.as_str(), &commands);
        }
    }
    let outbox = stats::outbox(&client).await?;
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!("drover_outbox_messages").set(outbox.messages as f64);
    metrics::gauge!("drover_outbox_oldest_seconds").set(outbox.oldest_s);
    Ok(Next::Later)
}

fn set(gauge: &'static str, kind: &'static str, state: &'static str, counts: &[stats::Count]) {
    let count = counts.iter().find(|count| count.kind == kind && count.state == state).map_or(0, |count| count.count);
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!(gauge, "kind" => kind, "state" => state).set(count as f64);
}
