//! Queues as they were last seen, and whether workers take from them.

pub mod dead_letters;
pub mod workers;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{GenericClient, StoreError, sql};

/// What somebody saw of a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSample {
    /// Its name, without the broker's prefix.
    pub name: String,
    /// Messages that wait for a worker.
    pub ready: i64,
    /// Messages that a worker has and has not settled; `None`: not known.
    pub unacked: Option<i64>,
    /// Workers that take from it.
    pub consumers: i64,
    /// Messages that came in a second; `None`: not known.
    pub published_per_s: Option<f32>,
    /// Messages that were handed to workers a second; `None`: not known.
    pub delivered_per_s: Option<f32>,
    /// Messages that wait at the broker for another try.
    pub retrying: i64,
    /// Messages that were given up and are still at the broker.
    pub dead: i64,
}

/// A queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueRecord {
    /// Its name, without the broker's prefix.
    pub name: String,
    /// Since when workers take nothing from it.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: String,
    /// What was last seen of it; `None`: nobody has looked yet.
    pub sample: Option<QueueSample>,
    /// When.
    pub sampled_at: Option<DateTime<Utc>>,
    /// Messages that no worker could handle and that are kept here.
    pub dead_letters: i64,
}

/// Whether somebody looked at the queues within `age`.
pub async fn is_sample_fresh(client: &impl GenericClient, age: Duration) -> Result<bool, StoreError> {
    const SQL: &str =
        "/* queues::is_sample_fresh */ SELECT COALESCE(max(sampled_at) > now() - make_interval(secs => $1), false)
        FROM queues";
    Ok(sql::query_one(client, SQL, &[&age.as_secs_f64()]).await?.get(0))
}

/// Notes what was seen now. Of two that note at once, the one that comes last is right.
pub async fn note_samples(client: &impl GenericClient, samples: &[QueueSample]) -> Result<(), StoreError> {
    const SQL: &str = "/* queues::note_samples */ INSERT INTO queues
            (name, ready, unacked, consumers, published_per_s, delivered_per_s, retrying, dead, sampled_at)
        SELECT *, now() FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::real[], $6::real[],
            $7::bigint[], $8::bigint[]) AS seen (name) ORDER BY seen.name
        ON CONFLICT (name) DO UPDATE SET ready = excluded.ready, unacked = excluded.unacked,
            consumers = excluded.consumers, published_per_s = excluded.published_per_s,
            delivered_per_s = excluded.delivered_per_s, retrying = excluded.retrying, dead = excluded.dead,
            sampled_at = excluded.sampled_at";
    let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    let numbers = |number: fn(&QueueSample) -> i64| samples.iter().map(number).collect::<Vec<i64>>();
    let unacked: Vec<Option<i64>> = samples.iter().map(|sample| sample.unacked).collect();
    let published: Vec<Option<f32>> = samples.iter().map(|sample| sample.published_per_s).collect();
    let delivered: Vec<Option<f32>> = samples.iter().map(|sample| sample.delivered_per_s).collect();
    let (ready, consumers) = (numbers(|sample| sample.ready), numbers(|sample| sample.consumers));
    let (retrying, dead) = (numbers(|sample| sample.retrying), numbers(|sample| sample.dead));
    sql::execute(client, SQL, &[&names, &ready, &unacked, &consumers, &published, &delivered, &retrying, &dead])
        .await?;
    Ok(())
}

/// Every queue that was seen or paused, by name, each with its dead letters counted by index.
pub async fn list(client: &impl GenericClient) -> Result<Vec<QueueRecord>, StoreError> {
    const SQL: &str =
        "/* queues::list */ SELECT name, paused_at, paused_by, ready, unacked, consumers, published_per_s,
            delivered_per_s, retrying, dead, sampled_at, counted.letters
        FROM queues q CROSS JOIN LATERAL (SELECT count(*) AS letters FROM dead_letters d WHERE d.queue = q.name) counted
        ORDER BY name LIMIT 1000";
    Ok(sql::query(client, SQL, &[]).await?.iter().map(record).collect())
}

fn record(row: &tokio_postgres::Row) -> QueueRecord {
    let sampled_at: Option<DateTime<Utc>> = row.get("sampled_at");
    let name: String = row.get("name");
    let sample = sampled_at.map(|_| QueueSample {
        name: name.clone(),
        ready: row.get::<_, Option<i64>>("ready").unwrap_or_default(),
        unacked: row.get("unacked"),
        consumers: row.get::<_, Option<i64>>("consumers").unwrap_or_default(),
        published_per_s: row.get("published_per_s"),
        delivered_per_s: row.get("delivered_per_s"),
        retrying: row.get::<_, Option<i64>>("retrying").unwrap_or_default(),
        dead: row.get::<_, Option<i64>>("dead").unwrap_or_default(),
    });
    QueueRecord {
        name,
        paused_at: row.get("paused_at"),
        paused_by: row.get("paused_by"),
        sample,
        sampled_at,
        dead_letters: row.get("letters"),
    }
}

/// Has workers take nothing from a queue. Returns whether they did so far.
pub async fn pause(client: &impl GenericClient, name: &str, by: &str) -> Result<bool, StoreError> {
    const SQL: &str = "/* queues::pause */ INSERT INTO queues (name, paused_at, paused_by) VALUES ($1, now(), $2)
        ON CONFLICT (name) DO UPDATE SET paused_at = now(), paused_by = excluded.paused_by
            WHERE queues.paused_at IS NULL";
    Ok(sql::execute(client, SQL, &[&name, &by]).await? == 1)
}

/// Has workers take from a queue again. Returns whether they did not so far.
pub async fn resume(client: &impl GenericClient, name: &str) -> Result<bool, StoreError> {
    const SQL: &str = "/* queues::resume */ UPDATE queues SET paused_at = NULL, paused_by = ''
        WHERE name = $1 AND paused_at IS NOT NULL";
    Ok(sql::execute(client, SQL, &[&name]).await? == 1)
}
