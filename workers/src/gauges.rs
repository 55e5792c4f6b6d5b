//! What the metrics say of rows: asked of the database every few seconds, whatever happens. A process that was asked to take no
//! work goes on to say it: its last words would stand as if they were true.

use std::{sync::Arc, time::Duration};

use drover_domain::{CommandState, JobKind, JobState};
use drover_service::{Entropy, Service, ServiceError};
use drover_store::{
    Store, StoreError,
    queues::{self, workers},
    stats,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Role, Roles,
    periodic::{Next, repeat},
    queues::measures,
};

const PAUSE: Duration = Duration::from_secs(2);

/// Says until `stop` what a process with these roles has to say.
pub(crate) async fn run(
    roles: Roles,
    service: Service,
    store: Store,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) {
    if roles.has(Role::Timekeep) || roles.has(Role::Relay) {
        repeat("gauges", PAUSE, entropy.as_ref(), &stop, || step(&roles, &service, &store)).await;
    }
}

async fn step(roles: &Roles, service: &Service, store: &Store) -> Result<Next, ServiceError> {
    if roles.has(Role::Timekeep) {
        jobs(store).await?;
        #[allow(clippy::cast_precision_loss)] // a gauge
        metrics::gauge!("drover_revocations_waiting").set(service.waiting_cut_offs().await? as f64);
    }
    if roles.has(Role::Relay) {
        let client = store.client().await?;
        measures::set(&queues::list(&client).await?, &workers::list(&client).await?);
    }
    Ok(Next::Later)
}

async fn jobs(store: &Store) -> Result<(), StoreError> {
    let client = store.client().await?;
    let (jobs, commands) = (stats::active_jobs(&client).await?, stats::active_commands(&client).await?);
    let held = stats::held_commands(&client).await?;
    for kind in JobKind::ALL {
        // A state that nothing is in any more must go back to 0, so every one is set each time.
        for state in [JobState::Scheduled, JobState::Running, JobState::Paused] {
            set("drover_jobs", kind.as_str(), state.as_str(), &jobs);
        }
        for state in CommandState::ALL {
            set("drover_commands", kind.as_str(), state.as_str(), &commands);
        }
        for state in [CommandState::Planned, CommandState::Queued] {
            set("drover_commands_held", kind.as_str(), state.as_str(), &held);
        }
    }
    let outbox = stats::outbox(&client).await?;
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!("drover_outbox_messages").set(outbox.messages as f64);
    metrics::gauge!("drover_outbox_oldest_seconds").set(outbox.oldest_s);
    Ok(())
}

fn set(gauge: &'static str, kind: &'static str, state: &'static str, counts: &[stats::Count]) {
    let count = counts.iter().find(|count| count.kind == kind && count.state == state).map_or(0, |count| count.count);
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!(gauge, "kind" => kind, "state" => state).set(count as f64);
}
