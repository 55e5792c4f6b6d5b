//! Feeds a worker from a queue in memory.

use std::{collections::BTreeMap, sync::Arc};

use drover_messages::Queue;

use super::{InProcess, store::Stored};
use crate::{
    BrokerError,
    feed::{Action, FeedEnd, FeedOptions, RawDelivery, Receipt, Settle},
    size,
};

/// Settlements that are carried out before the queue is looked at again.
const SETTLE_BURST: usize = 1_024;

pub(super) async fn run(
    broker: Arc<InProcess>,
    queue: Queue,
    options: FeedOptions,
    end: FeedEnd,
) -> Result<(), BrokerError> {
    let FeedEnd { deliveries, mut settles, control } = end;
    let arrived = broker.store().arrived(queue);
    broker.store().add_consumer(queue);
    let prefetch = usize::from(options.prefetch);
    let mut consumer = Consumer {
        broker: Arc::clone(&broker),
        queue,
        session: control.begin_session(),
        next_tag: 1,
        held: BTreeMap::new(),
    };
    let mut settled = Vec::with_capacity(SETTLE_BURST);
    loop {
        while consumer.held.len() < prefetch {
            let Some(raw) = consumer.take() else { break };
            // A worker that is gone has cancelled the token too.
            let _ = deliveries.send(raw);
        }
        let has_room = consumer.held.len() < prefetch;
        if !has_room && broker.store().depth(queue) > 0 {
            // The wake-up that came here is meant for a consumer with room.
            arrived.notify_one();
        }
        tokio::select! {
            () = control.stop.cancelled() => break,
            () = broker.closed.cancelled() => return Err(BrokerError::Closed),
            count = settles.recv_many(&mut settled, SETTLE_BURST) => {
                if count == 0 {
                    break;
                }
                consumer.carry_out(&mut settled);
            }
            () = arrived.notified(), if has_room => {}
        }
    }
    drop(deliveries);
    while !control.drained.is_cancelled() {
        tokio::select! {
            () = control.drained.cancelled() => {}
            count = settles.recv_many(&mut settled, SETTLE_BURST) => {
                if count == 0 {
                    break;
                }
                consumer.carry_out(&mut settled);
            }
        }
    }
    while let Ok(settle) = settles.try_recv() {
        settled.push(settle);
    }
    consumer.carry_out(&mut settled);
    Ok(())
}

struct Consumer {
    broker: Arc<InProcess>,
    queue: Queue,
    session: u64,
    next_tag: u64,
    held: BTreeMap<u64, Stored>,
}

impl Consumer {
    fn take(&mut self) -> Option<RawDelivery> {
        let mut stored = self.broker.store().pop(self.queue)?;
        let (body, too_large) = size::keep(self.queue, stored.body);
        stored.body = body;
        let tag = self.next_tag;
        self.next_tag += 1;
        let receipt = Receipt { session: self.session, tag, attempt: stored.attempt, waits: stored.waits };
        let raw = RawDelivery {
            receipt,
            body: stored.body.clone(),
            too_large,
            routing_key: stored.routing_key.clone(),
            trace: stored.trace,
            redelivered: stored.redelivered,
            message_id: Some(stored.message_id),
        };
        self.held.insert(tag, stored);
        Some(raw)
    }

    fn carry_out(&mut self, settled: &mut Vec<Settle>) {
        for Settle { receipt, action } in settled.drain(..) {
            let Some(mut stored) = self.held.remove(&receipt.tag) else { continue };
            stored.redelivered = false;
            match action {
                Action::Done => self.broker.store().forget(self.queue),
                Action::Retry { after, .. } => {
                    stored.attempt += 1;
                    self.broker.push_later(self.queue, stored, after);
                }
                Action::Newer { after } => {
                    stored.waits += 1;
                    self.broker.push_later(self.queue, stored, after);
                }
                Action::Later { after } => self.broker.push_later(self.queue, stored, after),
                Action::Dead { reason } => self.broker.store().bury(self.queue, stored, &reason),
            }
        }
    }
}

impl Drop for Consumer {
    /// However the worker ends, what it has not settled goes back, in order.
    fn drop(&mut self) {
        let mut store = self.broker.store();
        store.remove_consumer(self.queue);
        for stored in std::mem::take(&mut self.held).into_values().rev() {
            store.give_back(self.queue, stored);
        }
    }
}
