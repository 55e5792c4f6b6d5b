//! Waiting for a condition, the one place in the tests that polls. Tests do not sleep.

use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long to leave between two looks: short enough that a test loses nothing by it.
const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds.
///
/// Panics at the caller's line, saying `what` was waited for, when that takes longer than `deadline`.
#[track_caller]
pub fn wait_until<F>(deadline: Duration, what: &str, mut condition: F) -> impl Future<Output = ()>
where
    F: AsyncFnMut() -> bool,
{
    wait_for(deadline, what, async move || condition().await.then_some(()))
}

/// Waits until `look` finds something, and returns it.
///
/// Panics at the caller's line, saying `what` was waited for, when that takes longer than `deadline`.
#[track_caller]
pub fn wait_for<T, F>(deadline: Duration, what: &str, mut look: F) -> impl Future<Output = T>
where
    F: AsyncFnMut() -> Option<T>,
{
    let caller = Location::caller();
    async move {
        let end = Instant::now() + deadline;
        loop {
            // A look that hangs must not outlast the deadline either.
            match tokio::time::timeout_at(end, look()).await {
                Ok(Some(found)) => return found,
                Ok(None) if Instant::now() < end => sleep(POLL).await,
                Ok(None) | Err(_) => panic!("{caller}: waited {deadline:?} in vain for {what}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_what_it_finds() {
        let mut looks = 0;
        let found = wait_for(Duration::from_secs(5), "the third look", async || {
            looks += 1;
            (looks == 3).then_some("here")
        });
        assert_eq!(found.await, "here");
    }

    #[tokio::test]
    #[should_panic(expected = "in vain for a miracle")]
    async fn gives_up_even_when_a_look_hangs() {
        wait_until(Duration::from_millis(20), "a miracle", async || std::future::pending().await).await;
    }
}
