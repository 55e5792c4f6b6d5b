//! The processes at work, by their own word.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{GenericClient, StoreError, sql};

/// What a process says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat<'a> {
    /// Which process.
    pub id: Uuid,
    /// The machine it runs on.
    pub host: &'a str,
    /// The program's version.
    pub version: &'a str,
    /// Its roles, with commas between them.
    pub roles: &'a str,
    /// Whether the broker is inside it.
    pub holds_broker: bool,
    /// Messages being handled.
    pub in_flight: i64,
    /// Messages handled a second since the beat before.
    pub handled_per_s: f32,
    /// Whether it takes no work and has none left.
    pub is_drained: bool,
}

/// What a process is told in return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// Whether to take no work.
    pub drain: bool,
    /// The queues from which to take nothing.
    pub paused: Vec<String>,
}

/// Says that a process is alive, and asks what it is to do. A process whose row is gone has a new one.
pub async fn beat(client: &impl GenericClient, beat: &Beat<'_>) -> Result<Orders, StoreError> {
    const SQL: &str = "/* workers::beat */ WITH beat AS (
            INSERT INTO workers (id, host, version, roles, holds_broker, in_flight, handled_per_s)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (id) DO UPDATE SET in_flight = excluded.in_flight, handled_per_s = excluded.handled_per_s,
                beat_at = now(),
                drained_at = CASE WHEN $8 AND workers.drain_asked_at IS NOT NULL THEN COALESCE(workers.drained_at, now()) END
            RETURNING drain_asked_at IS NOT NULL AS drain
        ) SELECT drain, ARRAY(SELECT name FROM queues WHERE paused_at IS NOT NULL ORDER BY name) AS paused FROM beat";
    let Beat { id, host, version, roles, holds_broker, in_flight, handled_per_s, is_drained } = beat;
    let row =
        sql::query_one(client, SQL, &[id, host, version, roles, holds_broker, in_flight, handled_per_s, is_drained])
            .await?;
    Ok(Orders { drain: row.get("drain"), paused: row.get("paused") })
}

/// Forgets a process that ended well.
pub async fn leave(client: &impl GenericClient, id: Uuid) -> Result<(), StoreError> {
    const SQL: &str = "/* workers::leave */ DELETE FROM workers WHERE id = $1";
    sql::execute(client, SQL, &[&id]).await?;
    Ok(())
}

/// Forgets processes that were not heard of for `age`.
pub async fn forget_silent(client: &impl GenericClient, age: Duration) -> Result<u64, StoreError> {
    const SQL: &str =
        "/* workers::forget_silent */ DELETE FROM workers WHERE beat_at < now() - make_interval(secs => $1)";
    sql::execute(client, SQL, &[&age.as_secs_f64()]).await
}

/// A process.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerRecord {
    /// Which.
    pub id: Uuid,
    /// The machine it runs on.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// Its roles, with commas between them.
    pub roles: String,
    /// Whether the broker is inside it.
    pub holds_broker: bool,
    /// Messages being handled.
    pub in_flight: i64,
    /// Messages handled a second.
    pub handled_per_s: f32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub beat_at: DateTime<Utc>,
    /// How long ago that was, by the database's clock.
    pub silent_s: f64,
    /// Since when it is to take no work.
    pub drain_asked_at: Option<DateTime<Utc>>,
    /// Since when it has none left.
    pub drained_at: Option<DateTime<Utc>>,
}

/// Processes, by their start: of very many those that were heard of last. Where one dies again and again, each try is a row.
pub async fn list(client: &impl GenericClient) -> Result<Vec<WorkerRecord>, StoreError> {
    const SQL: &str = "/* workers::list */ SELECT *, extract(epoch FROM now() - beat_at)::double precision AS silent_s
        FROM (SELECT * FROM workers ORDER BY beat_at DESC, id LIMIT 1000) w ORDER BY started_at, id";
    Ok(sql::query(client, SQL, &[]).await?.iter().map(record).collect())
}

/// A process, if it is known.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<WorkerRecord>, StoreError> {
    const SQL: &str = "/* workers::get */ SELECT *, extract(epoch FROM now() - beat_at)::double precision AS silent_s
        FROM workers WHERE id = $1";
    Ok(sql::query_opt(client, SQL, &[&id]).await?.as_ref().map(record))
}

fn record(row: &tokio_postgres::Row) -> WorkerRecord {
    WorkerRecord {
        id: row.get("id"),
        host: row.get("host"),
        version: row.get("version"),
        roles: row.get("roles"),
        holds_broker: row.get("holds_broker"),
        in_flight: row.get("in_flight"),
        handled_per_s: row.get("handled_per_s"),
        started_at: row.get("started_at"),
        beat_at: row.get("beat_at"),
        silent_s: row.get("silent_s"),
        drain_asked_at: row.get("drain_asked_at"),
        drained_at: row.get("drained_at"),
    }
}

/// Asks a process to take no work. Returns whether it was not asked before.
pub async fn ask_to_drain(client: &impl GenericClient, id: Uuid) -> Result<bool, StoreError> {
    const SQL: &str = "/* workers::ask_to_drain */ UPDATE workers SET drain_asked_at = now()
        WHERE id = $1 AND drain_asked_at IS NULL";
    Ok(sql::execute(client, SQL, &[&id]).await? == 1)
}

/// Asks it to take work again. Returns whether it was asked not to.
pub async fn ask_to_resume(client: &impl GenericClient, id: Uuid) -> Result<bool, StoreError> {
    const SQL: &str = "/* workers::ask_to_resume */ UPDATE workers SET drain_asked_at = NULL, drained_at = NULL
        WHERE id = $1 AND drain_asked_at IS NOT NULL";
    Ok(sql::execute(client, SQL, &[&id]).await? == 1)
}
