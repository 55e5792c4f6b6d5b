//! The timekeeper: deadlines, pauses between attempts, schedules, and the end of jobs.

use std::{sync::Arc, time::Duration};

use drover_broker::WorkerError;
use drover_service::{Entropy, Service, ServiceError};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

/// Timers served before the other duties have their turn.
const TIMERS_PER_STEP: usize = 100;

/// Runs until `stop`.
pub(crate) async fn run(
    service: Service,
    tick: Duration,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    repeat("timekeep", tick, entropy.as_ref(), &stop, || step(&service)).await;
    Ok(())
}

async fn step(service: &Service) -> Result<Next, ServiceError> {
    let mut served = 0;
    while served < TIMERS_PER_STEP && service.serve_timer().await? {
        served += 1;
    }
    service.start_due_jobs().await?;
    service.finish_jobs().await?;
    Ok(if served == TIMERS_PER_STEP { Next::Now } else { Next::Later })
}
