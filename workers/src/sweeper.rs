//! The sweeper: takes away, slowly, what was kept long enough.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use drover_broker::WorkerError;
use drover_service::{Entropy, FileSweep, Service, ServiceError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::periodic::{Next, repeat};

/// Between two sweeps of evidence.
const PAUSE: Duration = Duration::from_mins(1);
/// Between two sweeps of files: those walk over all that there are.
const FILES_PAUSE: Duration = Duration::from_hours(1);
/// Between two batches of a sweep: whoever works has the database first.
const BREATH: Duration = Duration::from_millis(200);

/// Runs until `stop`.
pub(crate) async fn run(
    service: Service,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let (after, file, sweep) = (AtomicI64::new(0), Mutex::new(Uuid::nil()), Mutex::new(None));
    tokio::join!(
        repeat("sweep", PAUSE, entropy.as_ref(), &stop, || evidence(&service, &after)),
        repeat("sweep_pace", PAUSE, entropy.as_ref(), &stop, || old_pace(&service)),
        repeat("sweep_tokens", PAUSE, entropy.as_ref(), &stop, || tokens(&service)),
        repeat("sweep_dead_letters", PAUSE, entropy.as_ref(), &stop, || dead_letters(&service)),
        repeat("sweep_workers", PAUSE, entropy.as_ref(), &stop, || workers(&service)),
        repeat("sweep_undecided_uploads", PAUSE, entropy.as_ref(), &stop, || undecided_uploads(&service)),
        repeat("sweep_unused_files", FILES_PAUSE, entropy.as_ref(), &stop, || unused_files(&service, &file)),
        repeat("sweep_file_store", FILES_PAUSE, entropy.as_ref(), &stop, || file_store(&service, &sweep)),
    );
    Ok(())
}

/// One batch of evidence. `after` is how far the sweep is.
async fn evidence(service: &Service, after: &AtomicI64) -> Result<Next, ServiceError> {
    let next = service.forget_old_evidence(after.load(Ordering::Relaxed)).await?;
    after.store(next.unwrap_or(0), Ordering::Relaxed);
    Ok(more(next.is_some()))
}

/// One batch of samples of the pace that nobody shows any more.
async fn old_pace(service: &Service) -> Result<Next, ServiceError> {
    Ok(more(service.forget_old_pace().await?))
}

/// One batch of access tokens that are over.
async fn tokens(service: &Service) -> Result<Next, ServiceError> {
    Ok(more(service.forget_old_tokens().await?))
}

/// One batch of dead letters that nobody did anything about.
async fn dead_letters(service: &Service) -> Result<Next, ServiceError> {
    Ok(more(service.forget_old_dead_letters().await?))
}

/// Processes that ended without a word.
async fn workers(service: &Service) -> Result<Next, ServiceError> {
    service.forget_silent_workers().await?;
    Ok(Next::Later)
}

/// One batch of uploaded packages that nobody decided on. Their files are unused from then on.
async fn undecided_uploads(service: &Service) -> Result<Next, ServiceError> {
    Ok(more(service.forget_undecided_uploads().await?))
}

/// One batch of uploaded files that nobody came to use. `after` is how far the sweep is.
async fn unused_files(service: &Service, after: &Mutex<Uuid>) -> Result<Next, ServiceError> {
    let from = *after.lock().unwrap_or_else(PoisonError::into_inner);
    let next = service.forget_unused_files(from).await?;
    *after.lock().unwrap_or_else(PoisonError::into_inner) = next.unwrap_or_default();
    Ok(more(next.is_some()))
}

/// One batch of what the file store holds. `sweep` is the one under way; one that failed is dropped, and begun anew.
async fn file_store(service: &Service, sweep: &Mutex<Option<FileSweep>>) -> Result<Next, ServiceError> {
    let under_way = sweep.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut under_way = under_way.unwrap_or_else(|| service.sweep_files());
    let is_more = under_way.step().await?;
    if is_more {
        *sweep.lock().unwrap_or_else(PoisonError::into_inner) = Some(under_way);
    }
    Ok(more(is_more))
}

const fn more(is_more: bool) -> Next {
    if is_more { Next::After(BREATH) } else { Next::Later }
}
