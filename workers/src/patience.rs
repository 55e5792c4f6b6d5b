//! What a handler does while something it needs is away: it waits in place, so that the queue stays where it is, and then
//! gives the delivery back without blame.

use std::{error::Error as _, time::Duration};

use drover_broker::Disposition;
use drover_service::ServiceError;
use tokio::time::{Instant, sleep};

/// How long is waited in place. Well below the handler's timeout and the time to drain.
const PATIENCE: Duration = Duration::from_secs(12);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How long a delivery rests that was given back.
const REST: Duration = Duration::from_secs(10);

/// Repeats `work` while what it needs is away.
pub(crate) async fn while_unavailable<T, F, Fut>(mut work: F) -> Result<T, ServiceError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, ServiceError>>,
{
    let (end, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
    loop {
        match work().await {
            Err(error) if error.is_unavailable() && Instant::now() + pause < end => {
                metrics::counter!("drover_handler_waits_total").increment(1);
                sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
            done => return done,
        }
    }
}

/// What becomes of a delivery whose handling failed: put back when it is not to blame, tried again, and dead in the end,
/// when it may be.
pub(crate) fn failed(error: &ServiceError, retry_after: Duration) -> Disposition {
    if error.is_unavailable() {
        Disposition::Later { after: REST }
    } else {
        Disposition::Retry { after: retry_after, reason: reason(error) }
    }
}

/// Why something failed, for whoever looks at the queues: with the cause at the bottom of it, which the error's own words
/// leave out.
pub(crate) fn reason(error: &ServiceError) -> String {
    let said = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    match causes.last().map(ToString::to_string) {
        Some(cause) if !said.contains(&cause) => format!("{said}: {cause}"),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> ServiceError {
        ServiceError::Unavailable("away".into())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_is_waited_for() {
        let mut calls = 0;
        let done = while_unavailable(|| {
            calls += 1;
            let result = if calls < 5 { Err(away()) } else { Ok(calls) };
            async { result }
        });
        assert_eq!(done.await.ok(), Some(5));
    }

    #[test]
    fn a_reason_names_the_cause() {
        let broken = std::io::Error::other("disk full");
        let middle: drover_service::BoxError = Box::new(Middle(broken));
        assert_eq!(reason(&ServiceError::Internal(middle)), "internal error: it broke: disk full");
        assert_eq!(reason(&away()), "temporarily unavailable: away");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it broke")]
    struct Middle(#[source] std::io::Error);

    #[tokio::test(start_paused = true)]
    async fn what_stays_away_blames_no_delivery() {
        let started = Instant::now();
        let error = while_unavailable(|| async { Err::<(), _>(away()) }).await.err();
        assert!(started.elapsed() <= PATIENCE);
        let disposition = error.map(|error| failed(&error, Duration::ZERO));
        assert_eq!(disposition, Some(Disposition::Later { after: REST }));
    }
}
