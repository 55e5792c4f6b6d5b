//! Messages that no worker could handle, kept to be read, sent again or discarded.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::JobId;
use uuid::Uuid;

use crate::{GenericClient, StoreError, Tx, sql};

/// Letters that are looked through for one page, since reasons have no index.
const WALK_MAX: i64 = 2_000;
/// How much of a body a list shows, in bytes.
const BEGINNING_BYTES: i32 = 240;

/// A message to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// Given by its publisher.
    pub message_id: Option<Uuid>,
    /// Under which a device's report came; `None` for our own messages.
    pub routing_key: Option<String>,
    /// As it arrived.
    pub body: Vec<u8>,
    /// Why no worker could handle it.
    pub reason: String,
    /// How often it was tried again through the broker.
    pub broker_attempt: i32,
    /// The traceparent; empty when there is none.
    pub trace_context: String,
    /// The job that it is about, where its body tells.
    pub job: Option<i64>,
}

/// Keeps messages of a queue. One that is kept already, by its id, is the same one taken twice: its row says why the last
/// time. No two of `letters` have the same id.
pub async fn keep(client: &impl GenericClient, queue: &str, letters: &[NewDeadLetter]) -> Result<(), StoreError> {
    const SQL: &str = "/* dead_letters::keep */ INSERT INTO dead_letters
            (queue, message_id, routing_key, body, reason, broker_attempt, trace_context, job_id)
        SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::integer[], $7::text[], $8::bigint[])
        ON CONFLICT (queue, message_id) DO UPDATE SET routing_key = excluded.routing_key, body = excluded.body,
            reason = excluded.reason, broker_attempt = excluded.broker_attempt,
            trace_context = excluded.trace_context, job_id = excluded.job_id";
    let ids: Vec<Option<Uuid>> = letters.iter().map(|letter| letter.message_id).collect();
    let keys: Vec<Option<&str>> = letters.iter().map(|letter| letter.routing_key.as_deref()).collect();
    let bodies: Vec<&[u8]> = letters.iter().map(|letter| letter.body.as_slice()).collect();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    let attempts: Vec<i32> = letters.iter().map(|letter| letter.broker_attempt).collect();
    let traces: Vec<&str> = letters.iter().map(|letter| letter.trace_context.as_str()).collect();
    let jobs: Vec<Option<i64>> = letters.iter().map(|letter| letter.job).collect();
    sql::execute(client, SQL, &[&queue, &ids, &keys, &bodies, &reasons, &attempts, &traces, &jobs]).await?;
    Ok(())
}

/// How many messages of a queue are kept, counted up to `most`.
pub async fn count_up_to(client: &impl GenericClient, queue: &str, most: i64) -> Result<i64, StoreError> {
    const SQL: &str = "/* dead_letters::count_up_to */ SELECT count(*) FROM (
            SELECT FROM dead_letters WHERE queue = $1 ORDER BY id LIMIT $2) counted";
    Ok(sql::query_one(client, SQL, &[&queue, &most]).await?.get(0))
}

/// A message that is kept, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The row.
    pub id: i64,
    /// The queue it was in.
    pub queue: String,
    /// Given by its publisher.
    pub message_id: Option<Uuid>,
    /// Under which a device's report came; `None` for our own messages.
    pub routing_key: Option<String>,
    /// Why no worker could handle it.
    pub reason: String,
    /// How often it was tried again through the broker.
    pub broker_attempt: i32,
    /// The traceparent; empty when there is none.
    pub trace_context: String,
    /// The job that it is about, where its body tells.
    pub job: Option<JobId>,
    /// When it was taken from the broker.
    pub received_at: DateTime<Utc>,
    /// The body's length.
    pub body_bytes: i32,
    /// The body: its beginning in a list, else all of it.
    pub body: Vec<u8>,
}

/// A page of a walk over messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// Those that match, newest first.
    pub letters: Vec<DeadLetter>,
    /// Where to go on; `None`: there are no more.
    pub next: Option<i64>,
}

/// Messages before `before`, newest first: of a queue or of all, with `reason` somewhere in their reason, whatever its
/// case. A page ends after `limit` of them or after some thousand that were looked at.
pub async fn list(
    client: &impl GenericClient,
    queue: Option<&str>,
    reason: &str,
    before: i64,
    limit: i64,
) -> Result<Walked, StoreError> {
    macro_rules! walk {
        ($name:literal, $of_queue:literal) => {
            concat!(
                "/* dead_letters::",
                $name,
                " */ WITH walked AS MATERIALIZED (
                    SELECT * FROM dead_letters WHERE ",
                $of_queue,
                " AND id < $2 ORDER BY id DESC LIMIT $3
                ), ended AS (SELECT count(*) AS looked_at, min(id) AS last FROM walked)
                SELECT w.id, w.queue, w.message_id, w.routing_key, w.reason, w.broker_attempt, w.trace_context, w.job_id,
                    w.received_at, length(w.body) AS body_bytes, substring(w.body FOR $6) AS body, ended.looked_at, ended.last
                FROM ended LEFT JOIN LATERAL (
                    SELECT * FROM walked WHERE strpos(lower(reason), lower($4)) > 0 ORDER BY id DESC LIMIT $5
                ) w ON true ORDER BY w.id DESC"
            )
        };
    }
    const OF_QUEUE: &str = walk!("list_of_queue", "queue = $1");
    const OF_ALL: &str = walk!("list", "$1::text IS NULL");
    // Who filters by nothing looks at no more than is shown.
    let walk = if reason.is_empty() { limit } else { WALK_MAX.max(limit) };
    let sql = if queue.is_some() { OF_QUEUE } else { OF_ALL };
    let rows = sql::query(client, sql, &[&queue, &before, &walk, &reason, &limit, &BEGINNING_BYTES]).await?;
    let letters: Vec<DeadLetter> =
        rows.iter().filter(|row| row.get::<_, Option<i64>>("id").is_some()).map(record).collect();
    let is_full = i64::try_from(letters.len()).is_ok_and(|found| found == limit);
    let looked_at: i64 = rows.first().map_or(0, |row| row.get("looked_at"));
    let next = if is_full {
        letters.last().map(|letter| letter.id)
    } else if looked_at == walk {
        rows.first().and_then(|row| row.get("last"))
    } else {
        None
    };
    Ok(Walked { letters, next })
}

/// One message with all of its body.
pub async fn get(client: &impl GenericClient, id: i64) -> Result<Option<DeadLetter>, StoreError> {
    const SQL: &str = "/* dead_letters::get */ SELECT *, length(body) AS body_bytes FROM dead_letters WHERE id = $1";
    Ok(sql::query_opt(client, SQL, &[&id]).await?.as_ref().map(record))
}

fn record(row: &tokio_postgres::Row) -> DeadLetter {
    DeadLetter {
        id: row.get("id"),
        queue: row.get("queue"),
        message_id: row.get("message_id"),
        routing_key: row.get("routing_key"),
        reason: row.get("reason"),
        broker_attempt: row.get("broker_attempt"),
        trace_context: row.get("trace_context"),
        job: row.get::<_, Option<i64>>("job_id").map(JobId),
        received_at: row.get("received_at"),
        body_bytes: row.get("body_bytes"),
        body: row.get("body"),
    }
}

/// How many messages of a queue match, up to the row `up_to`, and the newest of them: whoever acts on them later acts on
/// no more. The table keeps a bounded number of each queue.
pub async fn matching(
    client: &impl GenericClient,
    queue: &str,
    reason: &str,
    up_to: i64,
) -> Result<(i64, Option<i64>), StoreError> {
    const SQL: &str = "/* dead_letters::matching */ SELECT count(*), max(id) FROM dead_letters
        WHERE queue = $1 AND id <= $3 AND strpos(lower(reason), lower($2)) > 0";
    let row = sql::query_one(client, SQL, &[&queue, &reason, &up_to]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Ids of messages of a queue that match, from behind `after` up to `up_to`, oldest first, locked until the end of the
/// transaction. One that somebody else has locked is left to them.
pub async fn lock_matching(
    tx: &Tx<'_>,
    queue: &str,
    reason: &str,
    (after, up_to): (i64, i64),
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* dead_letters::lock_matching */ SELECT id FROM dead_letters
        WHERE queue = $1 AND id > $3 AND id <= $4 AND strpos(lower(reason), lower($2)) > 0
        ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED";
    let rows = sql::query(tx, SQL, &[&queue, &reason, &after, &up_to, &limit]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Throws messages away. Returns how many there were.
pub async fn discard(tx: &Tx<'_>, ids: &[i64]) -> Result<u64, StoreError> {
    const SQL: &str = "/* dead_letters::discard */ DELETE FROM dead_letters WHERE id = ANY($1)";
    sql::execute(tx, SQL, &[&ids]).await
}

/// Puts messages into the outbox instead, each under its own id, or under that of `fresh_ids` beside it when its publisher
/// gave none. Returns how many there were.
pub async fn replay(tx: &Tx<'_>, ids: &[i64], fresh_ids: &[Uuid]) -> Result<u64, StoreError> {
    const SQL: &str = "/* dead_letters::replay */ WITH gone AS (DELETE FROM dead_letters WHERE id = ANY($1) RETURNING *)
        INSERT INTO outbox (message_id, queue, body, trace_context, routing_key)
        SELECT COALESCE(gone.message_id, fresh.message_id), gone.queue, gone.body, gone.trace_context, gone.routing_key
        FROM gone JOIN unnest($1::bigint[], $2::uuid[]) AS fresh (id, message_id) ON fresh.id = gone.id ORDER BY gone.id";
    sql::execute(tx, SQL, &[&ids, &fresh_ids]).await
}

/// Forgets a batch of the messages that are older than `age`. Returns how many there were.
pub async fn forget_old(client: &impl GenericClient, age: Duration, limit: i64) -> Result<u64, StoreError> {
    // Ids are given in the order of time, so the oldest come first.
    const SQL: &str = "/* dead_letters::forget_old */ DELETE FROM dead_letters WHERE id = ANY(ARRAY(
            SELECT id FROM dead_letters ORDER BY id LIMIT $2))
        AND received_at < now() - make_interval(secs => $1)";
    sql::execute(client, SQL, &[&age.as_secs_f64(), &limit]).await
}
