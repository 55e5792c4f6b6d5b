//! The queues.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use drover_messages::{Queue, TraceContext};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use crate::{DeadMessage, Outgoing, PublishError, QueueState, names::clip_reason};

/// A dead-letter queue here is for looking at, not for keeping: beyond this the oldest are dropped.
const DEAD_MAX: usize = 10_000;

/// A message in a queue.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) body: Bytes,
    pub(super) routing_key: String,
    pub(super) message_id: Uuid,
    pub(super) trace: Option<TraceContext>,
    pub(super) attempt: u32,
    pub(super) waits: u32,
    pub(super) redelivered: bool,
    expires_at: Option<Instant>,
}

impl Stored {
    pub(super) fn new(message: Outgoing, routing_key: String) -> Self {
        let Outgoing { message_id, body, trace, expires_after, .. } = message;
        let expires_at = expires_after.map(|after: Duration| Instant::now() + after);
        Self { body: body.into(), routing_key, message_id, trace, attempt: 0, waits: 0, redelivered: false, expires_at }
    }

    fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= Instant::now())
    }
}

#[derive(Debug, Default)]
struct Messages {
    ready: VecDeque<Stored>,
    dead: VecDeque<DeadMessage>,
    arrived: Arc<Notify>,
    consumers: u64,
    /// Taken and not settled.
    unacked: u64,
    /// Waiting for another try.
    retrying: u64,
    /// Ever, to tell rates by.
    counts: Counts,
}

/// Messages that a queue ever took and gave out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) published: u64,
    pub(super) delivered: u64,
}

/// All queues, with a limit on the messages in them, counting those that are being handled or wait for a retry.
#[derive(Debug)]
pub(super) struct Store {
    queues: HashMap<Queue, Messages>,
    capacity: usize,
    held: usize,
}

impl Store {
    pub(super) fn new(capacity: usize) -> Self {
        Self { queues: HashMap::new(), capacity, held: 0 }
    }

    fn queue(&mut self, queue: Queue) -> &mut Messages {
        self.queues.entry(queue).or_default()
    }

    /// Adds a new message.
    pub(super) fn push(&mut self, queue: Queue, stored: Stored) -> Result<(), PublishError> {
        if self.held >= self.capacity {
            return Err(PublishError::Rejected);
        }
        self.held += 1;
        let queue = self.queue(queue);
        queue.counts.published += 1;
        queue.ready.push_back(stored);
        queue.arrived.notify_one();
        Ok(())
    }

    /// A message that was taken waits for another try. It stays held.
    pub(super) fn put_off(&mut self, queue: Queue) {
        let queue = self.queue(queue);
        queue.unacked = queue.unacked.saturating_sub(1);
        queue.retrying += 1;
    }

    /// Adds a message that was put off, at the end.
    pub(super) fn push_again(&mut self, queue: Queue, stored: Stored) {
        let queue = self.queue(queue);
        queue.retrying = queue.retrying.saturating_sub(1);
        queue.counts.published += 1;
        queue.ready.push_back(stored);
        queue.arrived.notify_one();
    }

    /// Returns a message to the front, where it was.
    pub(super) fn give_back(&mut self, queue: Queue, mut stored: Stored) {
        stored.redelivered = true;
        let queue = self.queue(queue);
        queue.unacked = queue.unacked.saturating_sub(1);
        queue.ready.push_front(stored);
        queue.arrived.notify_one();
    }

    /// Takes the next message to deliver it. It stays held.
    pub(super) fn pop(&mut self, queue: Queue) -> Option<Stored> {
        loop {
            let stored = self.queue(queue).ready.pop_front()?;
            if !stored.is_expired() {
                let queue = self.queue(queue);
                queue.unacked += 1;
                queue.counts.delivered += 1;
                return Some(stored);
            }
            self.held = self.held.saturating_sub(1);
            self.queue(queue).bury(stored, "expired");
        }
    }

    /// A message that was taken is done with.
    pub(super) fn forget(&mut self, queue: Queue) {
        self.held = self.held.saturating_sub(1);
        let queue = self.queue(queue);
        queue.unacked = queue.unacked.saturating_sub(1);
    }

    /// Moves a message that was taken to the dead-letter queue.
    pub(super) fn bury(&mut self, queue: Queue, stored: Stored, reason: &str) {
        self.forget(queue);
        self.queue(queue).bury(stored, reason);
    }

    /// Takes dead messages, oldest first.
    pub(super) fn take_dead(&mut self, queue: Queue, limit: usize) -> Vec<DeadMessage> {
        let dead = &mut self.queue(queue).dead;
        dead.drain(..limit.min(dead.len())).collect()
    }

    /// Puts dead messages back to where they were.
    pub(super) fn give_back_dead(&mut self, queue: Queue, messages: Vec<DeadMessage>) {
        let dead = &mut self.queue(queue).dead;
        messages.into_iter().rev().for_each(|message| dead.push_front(message));
        let surplus = dead.len().saturating_sub(DEAD_MAX);
        dead.drain(..surplus);
    }

    /// One consumer more.
    pub(super) fn add_consumer(&mut self, queue: Queue) {
        self.queue(queue).consumers += 1;
    }

    /// One less.
    pub(super) fn remove_consumer(&mut self, queue: Queue) {
        let queue = self.queue(queue);
        queue.consumers = queue.consumers.saturating_sub(1);
    }

    /// A queue as it stands, without rates, and what it ever took and gave out.
    pub(super) fn state(&mut self, queue: Queue) -> (QueueState, Counts) {
        let state = self.queue(queue);
        let seen = QueueState {
            queue,
            ready: state.ready.len() as u64,
            unacked: Some(state.unacked),
            consumers: state.consumers,
            published_per_s: None,
            delivered_per_s: None,
            retrying: state.retrying,
            dead: state.dead.len() as u64,
        };
        (seen, state.counts)
    }

    /// Wakes one consumer for each message that arrives.
    pub(super) fn arrived(&mut self, queue: Queue) -> Arc<Notify> {
        Arc::clone(&self.queue(queue).arrived)
    }

    pub(super) fn depth(&self, queue: Queue) -> u64 {
        self.queues.get(&queue).map_or(0, |queue| queue.ready.len() as u64)
    }

    pub(super) fn peek_dead(&self, queue: Queue, limit: usize) -> Vec<DeadMessage> {
        self.queues.get(&queue).map(|queue| queue.dead.iter().take(limit).cloned().collect()).unwrap_or_default()
    }
}

impl Messages {
    fn bury(&mut self, stored: Stored, reason: &str) {
        let Stored { body, routing_key, message_id, trace, attempt, .. } = stored;
        if self.dead.len() >= DEAD_MAX {
            self.dead.pop_front();
        }
        self.dead.push_back(DeadMessage {
            body,
            reason: clip_reason(reason),
            routing_key,
            message_id: Some(message_id),
            broker_attempt: attempt,
            trace,
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Target;

    fn stored(expires_after: Option<Duration>) -> Stored {
        let target = Target::Queue(Queue::Reports);
        let message = Outgoing { message_id: Uuid::new_v4(), target, body: vec![1], trace: None, expires_after };
        Stored::new(message, "reports".into())
    }

    #[test]
    fn memory_is_bounded_until_messages_are_done_with() {
        let mut store = Store::new(1);
        store.push(Queue::Reports, stored(None)).unwrap();
        assert!(matches!(store.push(Queue::Reports, stored(None)), Err(PublishError::Rejected)));
        let taken = store.pop(Queue::Reports).unwrap();
        assert!(store.push(Queue::Reports, stored(None)).is_err(), "it is still held");
        store.give_back(Queue::Reports, taken);
        assert!(store.pop(Queue::Reports).unwrap().redelivered);
        store.forget(Queue::Reports);
        store.push(Queue::Reports, stored(None)).unwrap();
    }

    #[test]
    fn an_expired_message_is_dead() {
        let mut store = Store::new(9);
        store.push(Queue::Reports, stored(Some(Duration::ZERO))).unwrap();
        assert!(store.pop(Queue::Reports).is_none());
        assert_eq!(store.peek_dead(Queue::Reports, 9)[0].reason, "expired");
    }
}
