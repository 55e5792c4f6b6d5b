//! The sampler: keeps how jobs go and how fast commands move.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use drover_broker::WorkerError;
use drover_service::{Entropy, PaceReading, Service, ServiceError};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

/// Between two looks for jobs whose turn has come.
const JOBS_PAUSE: Duration = Duration::from_secs(1);
/// Between two samples of the pace.
const PACE_PAUSE: Duration = Duration::from_secs(5);

/// Runs until `stop`.
pub(crate) async fn run(
    service: Service,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let last = Mutex::new(None);
    tokio::join!(
        repeat("sample_jobs", JOBS_PAUSE, entropy.as_ref(), &stop, || jobs(&service)),
        repeat("sample_pace", PACE_PAUSE, entropy.as_ref(), &stop, || pace(&service, &last)),
    );
    Ok(())
}

async fn jobs(service: &Service) -> Result<Next, ServiceError> {
    service.sample_jobs().await?;
    Ok(Next::Later)
}

/// `last` is what this process saw last.
async fn pace(service: &Service, last: &Mutex<Option<PaceReading>>) -> Result<Next, ServiceError> {
    let before = last.lock().unwrap_or_else(PoisonError::into_inner).take();
    let now = service.sample_pace(before.as_ref()).await?;
    *last.lock().unwrap_or_else(PoisonError::into_inner) = now;
    Ok(Next::Later)
}
