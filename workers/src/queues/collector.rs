//! Dead messages leave the broker and become rows. The rows commit before the broker forgets: killed between the two, it has
//! both, and the row is the same one again.

use drover_broker::{Broker, BrokerError, DeadMessage};
use drover_domain::CommandId;
use drover_messages::Queue;
use drover_store::{
    Store, StoreError,
    queues::dead_letters::{self, NewDeadLetter},
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Rows kept of one queue. What comes beyond stays at the broker, whose own limits count then.
const KEPT_MAX: i64 = 10_000;
/// Messages that become rows at once.
const BATCH: usize = 100;
/// Batches of one queue before the others have their turn.
const BATCHES: usize = 20;
/// What is kept of a text that a stranger may have written.
const TEXT_MAX_CHARS: usize = 1_000;

/// Why dead messages were not collected. They stay where they are.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Collects what is dead in a queue, as far as there is room, until `stop`: the rest has time, and whoever drains has not.
pub(super) async fn collect(
    store: &Store,
    broker: &Broker,
    queue: Queue,
    stop: &CancellationToken,
) -> Result<(), CollectError> {
    let name = queue.to_string();
    for _ in 0..BATCHES {
        if stop.is_cancelled() {
            return Ok(());
        }
        let kept = dead_letters::count_up_to(&store.client().await?, &name, KEPT_MAX).await?;
        let room = usize::try_from(KEPT_MAX - kept).unwrap_or(0).min(BATCH);
        if room == 0 {
            return Ok(());
        }
        let taken = broker.take_dead(queue, room).await?;
        let count = taken.messages().len();
        if count == 0 {
            return Ok(());
        }
        dead_letters::keep(&store.client().await?, &name, &letters(queue, taken.messages())).await?;
        taken.forget().await?;
        metrics::counter!("drover_dead_letters_collected_total", "queue" => name.clone()).increment(count as u64);
        tracing::info!(%queue, messages = count, "dead messages are kept to be looked at");
        if count < room {
            return Ok(());
        }
    }
    Ok(())
}

/// As they are kept. Of two with one id the later one counts: it is the same message.
fn letters(queue: Queue, messages: &[DeadMessage]) -> Vec<NewDeadLetter> {
    let mut letters: Vec<NewDeadLetter> = Vec::with_capacity(messages.len());
    for message in messages {
        if let Some(id) = message.message_id {
            letters.retain(|letter| letter.message_id != Some(id));
        }
        letters.push(letter(queue, message));
    }
    letters
}

fn letter(queue: Queue, message: &DeadMessage) -> NewDeadLetter {
    NewDeadLetter {
        message_id: message.message_id,
        routing_key: (queue == Queue::Reports).then(|| text(&message.routing_key)),
        body: message.body.to_vec(),
        reason: text(&message.reason),
        broker_attempt: i32::try_from(message.broker_attempt).unwrap_or(i32::MAX),
        trace_context: message.trace.map(|trace| trace.to_string()).unwrap_or_default(),
        job: job(&message.body),
    }
}

/// A text that the database takes: no NUL, and not endless.
fn text(text: &str) -> String {
    text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }).take(TEXT_MAX_CHARS).collect()
}

/// What a body may say about its job, in whatever wrapping.
#[derive(Deserialize)]
struct Told {
    job_id: Option<i64>,
    command_id: Option<i64>,
    body: Option<Box<Told>>,
}

fn job(body: &[u8]) -> Option<i64> {
    fn find(told: &Told) -> Option<i64> {
        let of_command = || Some(CommandId::from_i64(told.command_id?)?.job.0);
        told.job_id.filter(|job| *job > 0).or_else(of_command).or_else(|| find(told.body.as_deref()?))
    }
    find(&serde_json::from_slice(body).ok()?)
}

#[cfg(test)]
mod tests;
