//! The relay: what transactions left in the outbox goes to the broker.
//!
//! It claims rows for a lease, publishes them all at once and deletes those that were confirmed. No transaction is held
//! across the network. Killed after a confirm and before the delete, it publishes again: every worker expects that.
//!
//! A message carries identity and no state, so equal ones that wait together are sent once: while the broker is away, the
//! timekeeper asks for the same work again every lease, and nobody must wade through that when it is back.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use drover_broker::{Broker, Outgoing, PublishError, Target, WorkerError};
use drover_messages::{Queue, TraceContext};
use drover_service::{Entropy, random_uuid};
use drover_store::{
    Store, StoreError,
    outbox::{self, Claimed},
};
use drover_telemetry::spans::{self, SpanKind};
use tokio_util::sync::CancellationToken;
use tracing::{Span, field};
use uuid::Uuid;

use crate::periodic::{Next, repeat};

/// Messages claimed at once.
const BATCH: i64 = 500;
/// A claim lasts so many times as long as publishing may: a relay that died holds nothing up for longer, and one that
/// waits for its broker does not lose its claim to another, which would send everything twice.
const LEASE_DEADLINES: u32 = 3;
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
        let lease = self.broker.publish_deadline() * LEASE_DEADLINES;
        let claimed = outbox::claim(&self.store.client().await?, self.id, BATCH, lease).await?;
        if claimed.is_empty() {
            return Ok(Next::Later);
        }
        let (letters, unknown) = once_each(claimed);
        let sending: Vec<Sending> = letters.iter().map(Sending::of).collect();
        let outgoing = letters.iter().zip(&sending).map(|(letter, sending)| letter.outgoing(sending.trace)).collect();
        let results = self.broker.publish(outgoing).await;
        let (mut confirmed, mut failed, mut problem) = (Vec::new(), Vec::new(), None);
        for ((letter, sending), result) in letters.iter().zip(sending).zip(results) {
            sending.ended(&result);
            match result {
                Ok(()) => confirmed.extend(letter.rows()),
                Err(error) => {
                    failed.extend(letter.rows().map(|id| (id, letter.message.failures)));
                    problem = Some(error);
                }
            }
        }
        // A queue that this program does not know: written by a newer one, whose relay will take it.
        failed.extend(unknown.iter().map(|message| (message.id, message.failures)));
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
        let is_outage = matches!(problem, Some(PublishError::Connection(_)));
        let problem = problem.map_or_else(|| "no such queue is known here".to_owned(), ToString::to_string);
        if is_outage {
            // Of which the broker's client has spoken, once.
            tracing::debug!(messages = ids.len(), problem, "messages stay in the outbox and are tried again");
        } else {
            tracing::warn!(messages = ids.len(), problem, "messages stay in the outbox and are tried again");
        }
        Ok(())
    }
}

/// What is sent once, and the rows that this settles.
#[derive(Debug)]
struct Letter {
    queue: Queue,
    message: Claimed,
    repeats: Vec<i64>,
}

impl Letter {
    fn rows(&self) -> impl Iterator<Item = i64> {
        std::iter::once(self.message.id).chain(self.repeats.iter().copied())
    }

    fn target(&self) -> Target {
        match &self.message.routing_key {
            Some(key) => Target::QueueUnder { queue: self.queue, routing_key: key.clone() },
            None => Target::Queue(self.queue),
        }
    }

    fn outgoing(&self, trace: Option<TraceContext>) -> Outgoing {
        Outgoing {
            message_id: self.message.message_id,
            target: self.target(),
            body: self.message.body.clone(),
            trace,
            expires_after: None,
        }
    }
}

/// A message on its way, as its trace shows it: a span of its own, below what left it in the outbox.
struct Sending {
    span: Span,
    /// What the message names as its cause.
    trace: Option<TraceContext>,
}

impl Sending {
    fn of(letter: &Letter) -> Self {
        let trace: Option<TraceContext> = letter.message.trace_context.parse().ok();
        // A chunk is a message, so a campaign of a million devices has some thousand: none, where nobody looks.
        if !spans::are_exported() || !trace.is_some_and(TraceContext::is_sampled) {
            return Self { span: Span::none(), trace };
        }
        let span = tracing::info_span!("relay", otel.kind = field::Empty);
        let exported = spans::begin(&span, SpanKind::Producer, trace);
        spans::name(&span, || format!("send {}", letter.queue));
        spans::note(&span, "messaging.system", "rabbitmq");
        spans::note(&span, "messaging.operation.type", "send");
        spans::note(&span, "messaging.destination.name", letter.queue.to_string());
        spans::note(&span, "messaging.message.id", letter.message.message_id.to_string());
        Self { span, trace: exported.or(trace) }
    }

    fn ended(self, result: &Result<(), PublishError>) {
        if let Err(problem) = result {
            spans::fail(&self.span, || problem.to_string());
        }
    }
}

/// Each different message once, in the order of the first of its kind; and those for queues that nobody here knows.
fn once_each(claimed: Vec<Claimed>) -> (Vec<Letter>, Vec<Claimed>) {
    let (mut letters, mut unknown) = (Vec::<Letter>::with_capacity(claimed.len()), Vec::new());
    let mut places: HashMap<(Queue, Option<String>, Vec<u8>), usize> = HashMap::with_capacity(claimed.len());
    for message in claimed {
        let Some(queue) = Queue::parse(&message.queue) else {
            unknown.push(message);
            continue;
        };
        match places.entry((queue, message.routing_key.clone(), message.body.clone())) {
            Entry::Occupied(place) => letters[*place.get()].repeats.push(message.id),
            Entry::Vacant(place) => {
                place.insert(letters.len());
                letters.push(Letter { queue, message, repeats: Vec::new() });
            }
        }
    }
    (letters, unknown)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn claimed(id: i64, queue: &str, body: &str) -> Claimed {
        let (queue, body, trace_context) = (queue.to_owned(), body.as_bytes().to_vec(), String::new());
        Claimed { id, message_id: Uuid::nil(), queue, body, trace_context, routing_key: None, failures: 0 }
    }

    #[test]
    fn equal_reports_of_two_devices_are_two_and_keep_their_devices() {
        let of = |id, key: &str| Claimed { routing_key: Some(key.to_owned()), ..claimed(id, "reports", "a") };
        let (letters, _) = once_each(vec![of(1, "devices.a.reports"), of(2, "devices.b.reports")]);
        let keys: Vec<Target> = letters.iter().map(Letter::target).collect();
        let under = |key: &str| Target::QueueUnder { queue: Queue::Reports, routing_key: key.to_owned() };
        assert_eq!(keys, [under("devices.a.reports"), under("devices.b.reports")]);
    }

    #[test]
    fn equal_messages_that_wait_together_are_sent_once() {
        let (letters, unknown) = once_each(vec![
            claimed(1, "jobs.firmware", "a"),
            claimed(2, "jobs.firmware", "b"),
            claimed(3, "jobs.push", "a"),
            claimed(4, "tomorrow", "a"),
            claimed(5, "jobs.firmware", "a"),
            claimed(6, "tomorrow", "a"),
        ]);
        let rows: Vec<Vec<i64>> = letters.iter().map(|letter| letter.rows().collect()).collect();
        assert_eq!(rows, [vec![1, 5], vec![2], vec![3]]);
        assert_eq!(letters[2].queue.to_string(), "jobs.push");
        assert_eq!(unknown.iter().map(|message| message.id).collect::<Vec<_>>(), [4, 6]);
    }
}
