//! Messages that arrived.

use std::{ops::Deref, sync::Arc};

use bytes::Bytes;
use drover_messages::{Queue, TraceContext};
use uuid::Uuid;

use crate::feed::Receipt;

/// A decoded message and what the broker said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<M> {
    /// The message.
    pub message: M,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
    /// Whether it was delivered before and not settled, here or elsewhere. `false` proves nothing.
    pub redelivered: bool,
    /// How many times it was retried through the broker; 0 at first. Not the command's attempt.
    pub broker_attempt: u32,
    /// Identity given by the publisher; devices give none.
    pub message_id: Option<Uuid>,
}

/// Some deliveries of one queue, in the order of arrival, that a handler settles together.
#[derive(Debug, Clone)]
pub struct Batch<M> {
    /// The queue they came from.
    pub queue: Queue,
    deliveries: Vec<Delivery<M>>,
    receipts: Arc<[Receipt]>,
}

impl<M> Batch<M> {
    /// A batch of a test's own making: settling it has no effect.
    pub fn new(queue: Queue, deliveries: Vec<Delivery<M>>) -> Self {
        Self { queue, deliveries, receipts: Arc::new([]) }
    }

    pub(crate) fn received(queue: Queue, deliveries: Vec<Delivery<M>>, receipts: Vec<Receipt>) -> Self {
        Self { queue, deliveries, receipts: receipts.into() }
    }

    pub(crate) fn receipts(&self) -> Arc<[Receipt]> {
        Arc::clone(&self.receipts)
    }

    /// The deliveries themselves.
    pub fn into_deliveries(self) -> Vec<Delivery<M>> {
        self.deliveries
    }
}

impl<M> Deref for Batch<M> {
    type Target = [Delivery<M>];

    fn deref(&self) -> &Self::Target {
        &self.deliveries
    }
}

impl<M> IntoIterator for Batch<M> {
    type Item = Delivery<M>;
    type IntoIter = std::vec::IntoIter<Delivery<M>>;

    fn into_iter(self) -> Self::IntoIter {
        self.deliveries.into_iter()
    }
}

impl<'a, M> IntoIterator for &'a Batch<M> {
    type Item = &'a Delivery<M>;
    type IntoIter = std::slice::Iter<'a, Delivery<M>>;

    fn into_iter(self) -> Self::IntoIter {
        self.deliveries.iter()
    }
}

/// A message in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMessage {
    /// The body as it arrived.
    pub body: Bytes,
    /// Why it is there: a worker's words, or the broker's (`delivery_limit`, `expired`).
    pub reason: String,
    /// The routing key it first arrived under.
    pub routing_key: String,
    /// Identity given by the publisher.
    pub message_id: Option<Uuid>,
    /// How many times it was retried through the broker.
    pub broker_attempt: u32,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
}
