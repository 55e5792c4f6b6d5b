//! What the process says of an outage of its broker, whoever of it notices: one line at the beginning, one at the end.
//! And who waits for the end hears of it at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::BrokerError;

/// Shared by both connections.
#[derive(Debug, Default)]
pub(super) struct Outage {
    lasts: AtomicBool,
    over: Notify,
}

impl Outage {
    /// A connection is gone, or cannot be made.
    pub(super) fn noticed(&self, error: &BrokerError) {
        if !self.lasts.swap(true, Ordering::AcqRel) {
            tracing::warn!(%error, "there is no connection to the broker; it is made again as soon as that is possible");
        }
    }

    /// A connection was made, after one that failed or none.
    pub(super) fn ended(&self) {
        if self.lasts.swap(false, Ordering::AcqRel) {
            tracing::info!("connected to the broker again");
            self.over.notify_waiters();
        }
    }

    /// Waits for so long, or until an outage ends: who tried in vain meanwhile need not wait longer than others.
    pub(super) async fn pause(&self, pause: Duration) {
        let _ = timeout(pause, self.over.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_outage_ends_pauses_and_nothing_else_does() {
        let outage = Arc::new(Outage::default());
        let pausing = Arc::clone(&outage);
        let began = Instant::now();
        let pause = tokio::spawn(async move { pausing.pause(Duration::from_secs(10)).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        outage.ended();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!pause.is_finished(), "there was no outage");
        outage.noticed(&BrokerError::Closed);
        outage.noticed(&BrokerError::Closed);
        outage.ended();
        pause.await.expect("no panic");
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        outage.pause(Duration::from_secs(10)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(12), "an end that is over wakes nobody");
    }
}
