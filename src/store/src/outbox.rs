//! Messages on their way to the broker. Written in the transaction of what they are about, sent by the relay.

use std::time::Duration;

use uuid::Uuid;

use crate::{GenericClient, StoreError, Tx, sql};

/// A message to be sent once the transaction commits.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// Identifies the message on the broker.
    pub message_id: Uuid,
    /// The queue's name.
    pub queue: &'a str,
    /// The body as it travels.
    pub body: &'a [u8],
    /// The traceparent.
    pub trace_context: &'a str,
}

/// Writes a message.
pub async fn insert(tx: &Tx<'_>, message: &NewMessage<'_>) -> Result<(), StoreError> {
    const SQL: &str =
        "/* outbox::insert */ INSERT INTO outbox (message_id, queue, body, trace_context) VALUES ($1, $2, $3, $4)";
    sql::execute(tx, SQL, &[&message.message_id, &message.queue, &message.body, &message.trace_context]).await?;
    Ok(())
}

/// A message claimed by a relay.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The row.
    pub id: i64,
    /// Identifies the message on the broker.
    pub message_id: Uuid,
    /// The queue's name.
    pub queue: String,
    /// The body as it travels.
    pub body: Vec<u8>,
    /// The traceparent.
    pub trace_context: String,
    /// Under which a device's report first came, when it is sent again; `None` for our own messages.
    pub routing_key: Option<String>,
    /// How often sending failed so far.
    pub failures: i32,
}

/// Claims up to `limit` messages for `lease`: nobody else sends them meanwhile, and when this relay dies, another does.
pub async fn claim(
    client: &impl GenericClient,
    relay: Uuid,
    limit: i64,
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    const SQL: &str =
        "/* outbox::claim */ UPDATE outbox SET claimed_by = $1, claimable_at = now() + make_interval(secs => $3)
        WHERE id = ANY(ARRAY(SELECT id FROM outbox WHERE claimable_at <= now() ORDER BY claimable_at, id LIMIT $2
            FOR UPDATE SKIP LOCKED))
        RETURNING id, message_id, queue, body, trace_context, failures, routing_key";
    let found = sql::query(client, SQL, &[&relay, &limit, &lease.as_secs_f64()]).await?;
    let mut claimed: Vec<Claimed> = found
        .iter()
        .map(|row| Claimed {
            id: row.get(0),
            message_id: row.get(1),
            queue: row.get(2),
            body: row.get(3),
            trace_context: row.get(4),
            failures: row.get(5),
            routing_key: row.get(6),
        })
        .collect();
    claimed.sort_unstable_by_key(|message| message.id);
    Ok(claimed)
}

/// Forgets messages that the broker confirmed. A claim that ran out meanwhile is somebody else's: their copy is a
/// duplicate, which every worker expects.
pub async fn delete(client: &impl GenericClient, relay: Uuid, ids: &[i64]) -> Result<u64, StoreError> {
    const SQL: &str = "/* outbox::delete */ DELETE FROM outbox WHERE id = ANY($2) AND claimed_by = $1";
    sql::execute(client, SQL, &[&relay, &ids]).await
}

/// Gives messages back that could not be sent, to be claimed again after `pause`.
pub async fn release(
    client: &impl GenericClient,
    relay: Uuid,
    ids: &[i64],
    pause: Duration,
) -> Result<u64, StoreError> {
    const SQL: &str = "/* outbox::release */ UPDATE outbox SET claimed_by = NULL, failures = failures + 1,
        claimable_at = now() + make_interval(secs => $3) WHERE id = ANY($2) AND claimed_by = $1";
    sql::execute(client, SQL, &[&relay, &ids, &pause.as_secs_f64()]).await
}

/// Makes every message claimable at once. Only right while no relay runs: at the start of a process that is the only one,
/// whose broker has kept nothing.
pub async fn release_all(client: &impl GenericClient) -> Result<u64, StoreError> {
    const SQL: &str = "/* outbox::release_all */ UPDATE outbox SET claimed_by = NULL, claimable_at = now()
        WHERE claimed_by IS NOT NULL";
    sql::execute(client, SQL, &[]).await
}
