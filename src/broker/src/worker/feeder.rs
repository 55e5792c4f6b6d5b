//! Decodes deliveries and forms batches of them. What cannot be read never reaches a handler.

use std::time::Duration;

use drover_messages::{Message, Queue};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Batch, Delivery,
    feed::{Action, FeedControl, RawDelivery, Receipt, Settle},
    metrics,
};

/// What batches look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) queue: Queue,
    pub(super) batch_max: usize,
    pub(super) batch_wait: Duration,
    /// How long a message of a newer version waits for a newer worker.
    pub(super) newer_delay: Duration,
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
    let mut feeder = Feeder { shape, deliveries, settles, control };
    while let Ok(slot) = batches.reserve().await {
        let Some(batch) = feeder.next_batch().await else { return };
        metrics::batch(shape.queue, batch.len());
        slot.send(batch);
    }
}

struct Feeder {
    shape: Shape,
    deliveries: mpsc::UnboundedReceiver<RawDelivery>,
    settles: mpsc::UnboundedSender<Settle>,
    control: FeedControl,
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

    fn accept<M: Message>(&self, raw: RawDelivery) -> Option<(Delivery<M>, Receipt)> {
        let RawDelivery { receipt, body, routing_key, trace, redelivered, message_id } = raw;
        // The broker has already taken it back, and delivers it again.
        if !self.control.is_current(receipt) {
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

    fn put_aside(&self, receipt: Receipt, error: &drover_messages::DecodeError) {
        let queue = self.shape.queue;
        let action = if error.is_newer() {
            tracing::info!(%queue, %error, "left a message for a newer worker");
            metrics::settled(queue, "newer", 1);
            Action::Later { after: self.shape.newer_delay }
        } else {
            tracing::warn!(%queue, %error, "a message cannot be read, and goes to the dead-letter queue");
            metrics::settled(queue, "poison", 1);
            metrics::dead(queue, 1);
            Action::Dead { reason: error.to_string() }
        };
        // A session that has ended has lost the delivery too.
        let _ = self.settles.send(Settle { receipt, action });
    }
}
