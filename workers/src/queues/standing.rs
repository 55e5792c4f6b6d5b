//! What this process was last told to do: whether to work, and which queues to leave alone. While the database is away, that
//! is what counts.

use drover_messages::Queue;
use drover_store::queues::workers::Orders;
use tokio::sync::watch;

/// The orders that stand; none until the first heartbeat.
#[derive(Debug, Clone)]
pub(crate) struct Standing(watch::Receiver<Option<Orders>>);

impl Standing {
    /// Whoever gives orders, and those who follow them.
    pub(crate) fn new() -> (watch::Sender<Option<Orders>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the process is to work.
    pub(crate) async fn work(&self) {
        self.until(|orders| !orders.drain).await;
    }

    /// Waits until it is to take no work.
    pub(crate) async fn drain(&self) {
        self.until(|orders| orders.drain).await;
    }

    /// Waits until messages of a queue are to be taken.
    pub(crate) async fn open(&self, queue: Queue) {
        let name = queue.to_string();
        self.until(|orders| !orders.paused.contains(&name)).await;
    }

    /// Waits until none are.
    pub(crate) async fn paused(&self, queue: Queue) {
        let name = queue.to_string();
        self.until(|orders| orders.paused.contains(&name)).await;
    }

    /// Nobody is left to give orders when this process ends: then those that stand are the last.
    async fn until(&self, is_so: impl Fn(&Orders) -> bool) {
        if self.0.clone().wait_for(|orders| orders.as_ref().is_some_and(&is_so)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn nothing_is_taken_before_the_first_orders_and_what_was_ordered_last_counts() {
        let (orders, standing) = Standing::new();
        assert!(standing.work().now_or_never().is_none() && standing.open(Queue::Reports).now_or_never().is_none());
        orders.send_replace(Some(Orders { drain: false, paused: vec!["reports".into()] }));
        assert!(standing.work().now_or_never().is_some() && standing.drain().now_or_never().is_none());
        assert!(standing.paused(Queue::Reports).now_or_never().is_some());
        let mut open = pin!(standing.open(Queue::Reports));
        assert!(open.as_mut().now_or_never().is_none());
        orders.send_replace(Some(Orders { drain: true, paused: vec![] }));
        open.await;
        drop(orders);
        assert!(standing.drain().now_or_never().is_some() && standing.work().now_or_never().is_none());
    }
}
