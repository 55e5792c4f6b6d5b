//! The relay: what transactions left in the outbox goes to the broker.
//!
//! It claims rows for a lease, publishes them all at once and deletes those that were confirmed. No transaction is held
//! across the network. Killed after a confirm and before the delete, it publishes again: every worker expects that.

use std::{sync::Arc, time::Duration};

use drover_broker::{Broker, Outgoing, PublishError, Target, WorkerError};
use drover_messages::Queue;
use drover_service::{Entropy, random_uuid};
use drover_store::{
    Store, StoreError,
    outbox::{self, Claimed},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::periodic::{Next, repeat};

/// Messages claimed at once.
const BATCH: i64 = 500;
/// Longer than a publish can take: see the broker's publish deadline.
const LEASE: Duration = Duration::from_secs(30);
/// How often an empty outbox is looked at. Looking is one index probe.
const POLL: Duration = Duration::from_millis(50);
/// The longest pause for a message that cannot be sent.
const MAX_PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Relay {
    store: Store,
    broker: Broker,
    id: Uuid,
}

impl Relay {
    pub(crate) fn new(store: Store, broker: Broker, entropy: &dyn Entropy) -> Self {
        Self { store, broker, id: random_uuid(entropy) }
    }

    pub(crate) async fn run(self, entropy: Arc<dyn Entropy>, stop: CancellationToken) -> Result<(), WorkerError> {
        repeat("relay", POLL, entropy.as_ref(), &stop, || self.step()).await;
        Ok(())
    }

    async fn step(&self) -> Result<Next, StoreError> {
        let claimed = outbox::claim(&self.store.client().await?, self.id, BATCH, LEASE).await?;
        if claimed.is_empty() {
            return Ok(Next::Later);
        }
        let (ready, unknown): (Vec<_>, Vec<_>) = claimed
            .into_iter()
            .map(|message| (Queue::parse(&message.queue), message))
            .partition(|(queue, _)| queue.is_some());
        let outgoing =
            ready.iter().filter_map(|(queue, message)| queue.map(|queue| outgoing(queue, message))).collect();
        let results = self.broker.publish(outgoing).await;
        let (mut confirmed, mut failed, mut problem) = (Vec::new(), Vec::new(), None);
        for ((_, message), result) in ready.iter().zip(results) {
            match result {
                Ok(()) => confirmed.push(message.id),
                Err(error) => {
                    failed.push((message.id, message.failures));
                    problem = Some(error);
                }
            }
        }
        // A queue that this program does not know: written by a newer one, whose relay will take it.
        failed.extend(unknown.iter().map(|(_, message)| (message.id, message.failures)));
        let client = self.store.client().await?;
        if !confirmed.is_empty() {
            outbox::delete(&client, self.id, &confirmed).await?;
        }
        self.give_back(&client, &failed, problem.as_ref()).await?;
        Ok(if failed.is_empty() { Next::Now } else { Next::Later })
    }

    async fn give_back(
        &self,
        client: &drover_store::Client,
        failed: &[(i64, i32)],
        problem: Option<&PublishError>,
    ) -> Result<(), StoreError> {
        let Some(failures) = failed.iter().map(|(_, failures)| *failures).min() else { return Ok(()) };
        let ids: Vec<i64> = failed.iter().map(|(id, _)| *id).collect();
        let pause = Duration::from_millis(200).saturating_mul(1 << failures.clamp(0, 10)).min(MAX_PAUSE);
        outbox::release(client, self.id, &ids, pause).await?;
        let problem = problem.map_or_else(|| "no such queue is known here".to_owned(), ToString::to_string);
        tracing::warn!(messages = ids.len(), problem, "messages stay in the outbox and are tried again");
        Ok(())
    }
}

fn outgoing(queue: Queue, message: &Claimed) -> Outgoing {
    Outgoing {
        message_id: message.message_id,
        target: Target::Queue(queue),
        body: message.body.clone(),
        trace: message.trace_context.parse().ok(),
        expires_after: None,
    }
}
