//! Decodes deliveries and forms batches of them. What cannot be read never reaches a handler.

use std::{fmt::Display, time::Duration};

use drover_messages::{DecodeError, Message, Queue};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Batch, BrokerConfig, Delivery,
    feed::{Action, FeedControl, RawDelivery, Receipt, Settle},
    metrics, size,
};

/// What is told of messages that cannot be read, at the most: any device can send them by the thousand.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What batches look like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) queue: Queue,
    pub(super) batch_max: usize,
    pub(super) batch_wait: Duration,
    /// Says how long a message of a newer version waits for a newer worker.
    pub(super) config: BrokerConfig,
}

/// Runs until the deliveries end or nobody takes batches any more.
pub(super) async fn run<M: Message>(
    shape: Shape,
    deliveries: mpsc::UnboundedReceiver<RawDelivery>,
    batches: mpsc::Sender<Batch<M>>,
    settles: mpsc::UnboundedSender<Settle>,
    control: FeedControl,
    ended: CancellationToken,
) {
    // However this ends, the worker has to notice.
    let _ended = ended.drop_guard();
    let queue = shape.queue;
    let mut feeder =
        Feeder { shape, deliveries, settles, control, newer: Throttle::default(), unreadable: Throttle::default() };
    while let Ok(slot) = batches.reserve().await {
        let Some(batch) = feeder.next_batch().await else { return };
        metrics::batch(queue, batch.len());
        slot.send(batch);
    }
}

struct Feeder {
    shape: Shape,
    deliveries: mpsc::UnboundedReceiver<RawDelivery>,
    settles: mpsc::UnboundedSender<Settle>,
    control: FeedControl,
    newer: Throttle,
    unreadable: Throttle,
}

impl Feeder {
    async fn next_batch<M: Message>(&mut self) -> Option<Batch<M>> {
        let first = loop {
            let raw = self.deliveries.recv().await?;
            if let Some(accepted) = self.accept::<M>(raw) {
                break accepted;
            }
        };
        let deadline = Instant::now() + self.shape.batch_wait;
        let (mut deliveries, mut receipts) = (vec![first.0], vec![first.1]);
        while deliveries.len() < self.shape.batch_max {
            let Some(raw) = self.another(deadline).await else { break };
            if let Some((delivery, receipt)) = self.accept(raw) {
                deliveries.push(delivery);
                receipts.push(receipt);
            }
        }
        Some(Batch::received(self.shape.queue, deliveries, receipts))
    }

    /// The next delivery, if there is one before the deadline. What is there already is taken without a timer.
    async fn another(&mut self, deadline: Instant) -> Option<RawDelivery> {
        match self.deliveries.try_recv() {
            Ok(raw) => Some(raw),
            Err(_) => timeout_at(deadline, self.deliveries.recv()).await.ok().flatten(),
        }
    }

    fn accept<M: Message>(&mut self, raw: RawDelivery) -> Option<(Delivery<M>, Receipt)> {
        let RawDelivery { receipt, body, too_large, routing_key, trace, redelivered, message_id } = raw;
        // The broker has already taken it back, and delivers it again.
        if !self.control.is_current(receipt) {
            return None;
        }
        if let Some(size_bytes) = too_large {
            let reason = size::reason(self.shape.queue, size_bytes);
            let action = self.dead(&reason, "too_large", reason.clone());
            self.settle(receipt, action);
            return None;
        }
        match M::decode(&body, &routing_key) {
            Ok(message) => {
                Some((Delivery { message, trace, redelivered, broker_attempt: receipt.attempt, message_id }, receipt))
            }
            Err(error) => {
                self.put_aside(receipt, &error);
                None
            }
        }
    }

    fn put_aside(&mut self, receipt: Receipt, error: &DecodeError) {
        let (queue, waits) = (self.shape.queue, receipt.waits);
        let action = if !error.is_newer() {
            self.dead(error, "poison", error.to_string())
        } else if let Some(after) = self.shape.config.newer_delay(queue, waits) {
            // Once is enough: it comes back every minute.
            if waits == 0
                && let Some(untold) = self.newer.tell(Instant::now())
            {
                tracing::info!(%queue, %error, untold, "left a message for a newer worker");
            }
            metrics::settled(queue, "newer", 1);
            Action::Newer { after }
        } else {
            self.dead(error, "unread", format!("nobody could read this version, after {waits} waits: {error}"))
        };
        self.settle(receipt, action);
    }

    fn dead(&mut self, error: &dyn Display, disposition: &'static str, reason: String) -> Action {
        let queue = self.shape.queue;
        if let Some(untold) = self.unreadable.tell(Instant::now()) {
            tracing::warn!(%queue, %error, disposition, untold, "a message cannot be read, and goes to the dead-letter queue");
        }
        metrics::settled(queue, disposition, 1);
        metrics::dead(queue, 1);
        Action::Dead { reason }
    }

    fn settle(&self, receipt: Receipt, action: Action) {
        // A session that has ended has lost the delivery too.
        let _ = self.settles.send(Settle { receipt, action });
    }
}

/// Lets one of many like events be told each [`TELL_EVERY`].
#[derive(Debug, Default)]
struct Throttle {
    told_at: Option<Instant>,
    untold: u64,
}

impl Throttle {
    /// Whether to tell of what happened now, and then of how many before it nothing was told.
    fn tell(&mut self, now: Instant) -> Option<u64> {
        if self.told_at.is_some_and(|at| now < at + TELL_EVERY) {
            self.untold += 1;
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_like_events_one_a_second_is_told_with_the_number_of_the_others() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        let told: Vec<_> = (0..5).map(|n| throttle.tell(start + n * TELL_EVERY / 4)).collect();
        assert_eq!(told, [Some(0), None, None, None, Some(3)]);
        assert_eq!(throttle.tell(start + 3 * TELL_EVERY), Some(0));
    }
}
