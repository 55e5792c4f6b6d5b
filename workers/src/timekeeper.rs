//! The timekeeper: deadlines, pauses between attempts, schedules, the end of jobs, applications that go, and devices whose
//! assignments may have changed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use drover_broker::WorkerError;
use drover_service::{Entropy, Service, ServiceError};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

/// Timers served before the other duties have their turn.
const TIMERS_PER_STEP: usize = 100;
/// Devices reviewed in one transaction.
const REVIEWS_PER_STEP: u32 = 500;
/// Between two looks at all devices that are leaving.
const LEAVING_PAUSE: Duration = Duration::from_secs(5);
/// Between two batches of them.
const BREATH: Duration = Duration::from_millis(200);

/// Runs until `stop`.
pub(crate) async fn run(
    service: Service,
    tick: Duration,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let left = AtomicI64::new(0);
    tokio::join!(
        repeat("timekeep", tick, entropy.as_ref(), &stop, || step(&service)),
        repeat("review", tick, entropy.as_ref(), &stop, || review(&service)),
        repeat("leave", LEAVING_PAUSE, entropy.as_ref(), &stop, || let_leave(&service, &left)),
    );
    Ok(())
}

/// One batch of devices whose assignments may have changed.
async fn review(service: &Service) -> Result<Next, ServiceError> {
    let reviewed = service.review_devices(REVIEWS_PER_STEP).await?;
    Ok(if reviewed > 0 { Next::Now } else { Next::Later })
}

/// One batch of devices that are leaving. `after` is how far the walk over them is.
async fn let_leave(service: &Service, after: &AtomicI64) -> Result<Next, ServiceError> {
    let next = service.end_leaving(after.load(Ordering::Relaxed)).await?;
    after.store(next.unwrap_or(0), Ordering::Relaxed);
    Ok(if next.is_some() { Next::After(BREATH) } else { Next::Later })
}

/// Each duty is done whatever becomes of the others; the first failure is the step's.
async fn step(service: &Service) -> Result<Next, ServiceError> {
    let served = serve_timers(service).await;
    let started = service.start_due_jobs().await;
    let planned = service.call_overdue_planners().await;
    let finished = service.finish_jobs().await;
    let ended = service.end_publications().await;
    let removed = service.finish_removals().await;
    let lifted = service.finish_restriction_removals().await;
    let next = served?;
    started.and(planned).and(finished).and(ended).and(removed).and(lifted)?;
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
