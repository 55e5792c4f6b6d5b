//! The timekeeper: deadlines, pauses between attempts, schedules, the end of jobs, and applications that go.

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

/// Each duty is done whatever becomes of the others; the first failure is the step's.
async fn step(service: &Service) -> Result<Next, ServiceError> {
    let served = serve_timers(service).await;
    let started = service.start_due_jobs().await;
    let planned = service.call_overdue_planners().await;
    let finished = service.finish_jobs().await;
    let ended = service.end_publications().await;
    let removed = service.finish_removals().await;
    let next = served?;
    started.and(planned).and(finished).and(ended).and(removed)?;
    Ok(next)
}

async fn serve_timers(service: &Service) -> Result<Next, ServiceError> {
    for _ in 0..TIMERS_PER_STEP {
        if !service.serve_timer().await? {
            return Ok(Next::Later);
        }
    }
    Ok(Next::Now)
}
