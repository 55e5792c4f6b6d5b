//! Work that is done again and again: soon when there was some, later when there was none, and with growing pauses while it
//! fails.

use std::{fmt::Display, future::Future, time::Duration};

use drover_service::Entropy;
use tokio_util::sync::CancellationToken;

/// The longest pause after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// A step that takes longer is given up; the next one starts afresh.
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// At once: there was work and there may be more.
    Now,
    /// After this pause: there may be more, and it is not urgent.
    After(Duration),
    /// After the usual pause.
    Later,
}

/// Repeats `work` until `stop`. A step in progress ends before this returns.
pub(crate) async fn repeat<F, Fut, E>(
    name: &'static str,
    pause: Duration,
    entropy: &dyn Entropy,
    stop: &CancellationToken,
    mut work: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Next, E>>,
    E: Display,
{
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let wait = match tokio::time::timeout(STEP_TIMEOUT, work()).await {
            Ok(Ok(Next::Now)) => {
                failures = 0;
                Duration::ZERO
            }
            Ok(Ok(Next::After(short))) => {
                failures = 0;
                jittered(short, entropy)
            }
            Ok(Ok(Next::Later)) => {
                failures = 0;
                jittered(pause, entropy)
            }
            failed => {
                failures = failures.saturating_add(1);
                let problem = failed.map_or_else(
                    |_| "timed out".to_owned(),
                    |result| match result {
                        Err(error) => error.to_string(),
                        Ok(_) => String::new(),
                    },
                );
                metrics::counter!("drover_role_failures_total", "role" => name).increment(1);
                // The first says it, the rest would only repeat it.
                if failures == 1 {
                    tracing::error!(role = name, problem, "a step failed; it is tried again until it succeeds");
                }
                jittered(
                    pause.max(Duration::from_millis(100)).saturating_mul(1 << failures.min(10)).min(MAX_PAUSE),
                    entropy,
                )
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Between half and all of `pause`, so that processes do not march in step.
fn jittered(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [0];
    entropy.fill(&mut byte);
    pause.mul_f64(0.5 + f64::from(byte[0]) / 510.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Zeroes;
    impl Entropy for Zeroes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_step_is_tried_again_with_growing_pauses() {
        let (stop, calls, started) = (CancellationToken::new(), Cell::new(0), tokio::time::Instant::now());
        repeat("test", Duration::from_millis(100), &Zeroes, &stop, || {
            calls.set(calls.get() + 1);
            if calls.get() == 5 {
                stop.cancel();
            }
            async { Err::<Next, _>("down") }
        })
        .await;
        assert_eq!(calls.get(), 5);
        // 100, 200, 400, 800 ms, each halved by the least jitter, and the first doubled already.
        assert_eq!(started.elapsed().as_millis(), 100 + 200 + 400 + 800);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_followed_by_more_without_a_pause() {
        let (stop, calls, started) = (CancellationToken::new(), Cell::new(0), tokio::time::Instant::now());
        repeat("test", Duration::from_secs(9), &Zeroes, &stop, || {
            calls.set(calls.get() + 1);
            if calls.get() == 100 {
                stop.cancel();
            }
            async { Ok::<_, String>(Next::Now) }
        })
        .await;
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_not_urgent_takes_a_breath_and_is_not_late() {
        let (stop, calls, started) = (CancellationToken::new(), Cell::new(0), tokio::time::Instant::now());
        repeat("test", Duration::from_hours(1), &Zeroes, &stop, || {
            calls.set(calls.get() + 1);
            if calls.get() == 5 {
                stop.cancel();
            }
            async { Ok::<_, String>(Next::After(Duration::from_millis(200))) }
        })
        .await;
        // Four pauses, each halved by the least jitter.
        assert_eq!(started.elapsed().as_millis(), 4 * 100);
    }
}
