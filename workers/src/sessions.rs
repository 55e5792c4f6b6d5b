//! Ends the connections of revoked devices.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use drover_broker::{Management, ManagementError, WorkerError};
use drover_service::{CutOff, Entropy, Service, ServiceError};
use futures_util::{StreamExt, future::ready, stream};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

const PAUSE: Duration = Duration::from_secs(1);
/// Devices taken on at a time.
const BATCH: i64 = 20;
/// Of those at a time: when the broker answers none in time, a batch is over before its step is given up.
const AT_ONCE: usize = 5;

/// Where devices are connected.
#[derive(Debug, Clone)]
pub enum DeviceSessions {
    /// Nowhere: the broker is inside this process.
    Nowhere,
    /// At a broker whose connections Drover cannot end.
    OutOfReach,
    /// At a broker whose connections it can end.
    Managed(Management),
}

/// Why a connection was not ended.
#[derive(Debug, thiserror::Error)]
enum SessionsError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("a revoked device may stay connected: {0}")]
    Management(#[from] ManagementError),
}

/// Runs until `stop`.
pub(crate) async fn run(
    service: Service,
    sessions: DeviceSessions,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let is_said = AtomicBool::new(false);
    repeat("sessions", PAUSE, entropy.as_ref(), &stop, || step(&service, &sessions, &is_said)).await;
    Ok(())
}

async fn step(service: &Service, sessions: &DeviceSessions, is_said: &AtomicBool) -> Result<Next, SessionsError> {
    let waiting = service.waiting_cut_offs().await?;
    let management = match sessions {
        DeviceSessions::Nowhere => None,
        DeviceSessions::Managed(management) => Some(management),
        DeviceSessions::OutOfReach => {
            if waiting > 0 && !is_said.swap(true, Ordering::Relaxed) {
                tracing::warn!("revoked devices stay connected until they connect anew: set amqp.management_url");
            }
            return Ok(Next::Later);
        }
    };
    if waiting == 0 {
        return Ok(Next::Later);
    }
    let due = service.claim_cut_offs(BATCH).await?;
    try_each(due.iter().map(|cut_off| end_connections(service, management, cut_off)).collect()).await?;
    Ok(if due.is_empty() { Next::Later } else { Next::Now })
}

async fn end_connections(
    service: &Service,
    management: Option<&Management>,
    cut_off: &CutOff,
) -> Result<(), SessionsError> {
    if let Some(management) = management {
        management.close_connections(&cut_off.uuid).await?;
        metrics::counter!("drover_device_cut_offs_total").increment(1);
        tracing::info!(device = cut_off.uuid, "the connections of a revoked device are ended");
    }
    Ok(service.note_cut_off(cut_off).await?)
}

/// Does all of it, some at a time: what fails is in nobody else's way. The first failure is returned in the end.
async fn try_each<E>(work: Vec<impl Future<Output = Result<(), E>>>) -> Result<(), E> {
    stream::iter(work).buffer_unordered(AT_ONCE).fold(Ok(()), |so_far, result| ready(so_far.and(result))).await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn a_failure_is_in_nobody_elses_way() {
        let tried = RefCell::new(Vec::new());
        let work = |n: usize| {
            let tried = &tried;
            async move {
                tried.borrow_mut().push(n);
                if n % 7 == 3 { Err(n) } else { Ok(()) }
            }
        };
        assert_eq!(try_each((0..20).map(work).collect()).await, Err(3), "the first of those that failed");
        let mut tried = tried.into_inner();
        tried.sort_unstable();
        assert_eq!(tried, (0..20).collect::<Vec<_>>());
        assert_eq!(try_each(vec![ready(Ok::<(), ()>(())), ready(Ok(()))]).await, Ok(()));
    }
}
