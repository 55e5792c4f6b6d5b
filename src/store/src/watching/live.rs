//! What is going on now, read once a second for everybody who looks.
//!
//! Each statement keeps to an index and a limit. LATERAL with OFFSET keeps look-ups what they are when statistics are old.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use drover_domain::{JobId, JobKind, JobState, OrganisationPath, StateCounts, TenantId};

use crate::{GenericClient, StoreError, rows, sql};

/// Jobs that are read of each sort: running, held, and ended lately.
pub const JOBS_MAX: i64 = 1000;
/// Queues and workers that are read: an installation has a handful.
const ROWS_MAX: i64 = 500;
/// Nobody counts further: what is more is many.
const COUNT_MAX: i64 = 10_000;
/// Readings of a tenant's pace; a day of them at the shortest interval would be more.
const PACE_MAX: i64 = 20_000;

/// A job that has not ended, or did lately, or that somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where its organisation stands; `None`: it is the tenant's as a whole.
    pub path: Option<OrganisationPath>,
    /// What it does.
    pub kind: JobKind,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// When it starts by itself.
    pub start_at: Option<DateTime<Utc>>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its commands by state.
    pub counts: StateCounts,
}

/// The time, and the jobs that are going on: those that run or are held, the newest [`JOBS_MAX`] of each, those that ended in
/// the last minute, and those that are `watched`.
pub async fn jobs(client: &impl GenericClient, watched: &[i64]) -> Result<(DateTime<Utc>, Vec<LiveJob>), StoreError> {
    const SQL: &str = "/* watching::live::jobs */ WITH chosen AS MATERIALIZED (
            (SELECT id FROM jobs WHERE state = 'running' AND kind <> 'publish' ORDER BY id DESC LIMIT $2)
            UNION (SELECT id FROM jobs WHERE state IN ('scheduled', 'paused') ORDER BY id DESC LIMIT $2)
            UNION (SELECT id FROM jobs WHERE finished_at > now() - interval '1 minute' ORDER BY finished_at DESC LIMIT $2)
            UNION SELECT unnest($1::bigint[])
        )
        SELECT now() AS read_at, j.id, j.tenant_id, o.path, j.kind, j.name, j.state, j.start_at, j.started_at, j.expires_at,
            j.finished_at
        FROM (SELECT) one LEFT JOIN LATERAL (
            SELECT j.* FROM chosen CROSS JOIN LATERAL (SELECT * FROM jobs WHERE id = chosen.id AND deleted_at IS NULL OFFSET 0) j
        ) j ON true
        LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = j.organisation_id OFFSET 0) o ON true
        ORDER BY j.id";
    let found = sql::query(client, SQL, &[&watched, &JOBS_MAX]).await?;
    let read_at = found.first().map_or_else(DateTime::default, |row| row.get("read_at"));
    let mut jobs = Vec::with_capacity(found.len());
    for row in found.iter().filter(|row| row.get::<_, Option<i64>>("id").is_some()) {
        jobs.push(LiveJob {
            id: JobId(row.get("id")),
            tenant: TenantId(row.get("tenant_id")),
            path: rows::optional_word(row, "path", OrganisationPath::parse)?,
            kind: rows::word(row, "kind", JobKind::parse)?,
            name: row.get("name"),
            state: rows::word(row, "state", JobState::parse)?,
            start_at: row.get("start_at"),
            started_at: row.get("started_at"),
            expires_at: row.get("expires_at"),
            finished_at: row.get("finished_at"),
            counts: StateCounts::default(),
        });
    }
    count(client, &mut jobs).await?;
    Ok((read_at, jobs))
}

/// Counts the commands of jobs, which are in the order of their ids.
async fn count(client: &impl GenericClient, jobs: &mut [LiveJob]) -> Result<(), StoreError> {
    const SQL: &str =
        "/* watching::live::count */ SELECT t.job_id, t.state, t.count FROM unnest($1::bigint[]) AS j (id)
        CROSS JOIN LATERAL (SELECT job_id, state, sum(count)::bigint AS count FROM job_tallies WHERE job_id = j.id
            GROUP BY job_id, state OFFSET 0) t";
    let ids: Vec<i64> = jobs.iter().map(|job| job.id.0).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for row in sql::query(client, SQL, &[&ids]).await? {
        let Ok(place) = jobs.binary_search_by_key(&row.get("job_id"), |job| job.id.0) else { continue };
        jobs[place].counts.add(rows::state(&row, "state")?, row.get("count"));
    }
    Ok(())
}

/// A queue, as it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveQueue {
    /// Its name, without the broker's prefix.
    pub name: String,
    /// Since when its workers are to take nothing.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: String,
    /// Messages that wait; as all figures here: `None`, it is not known.
    pub ready: Option<i64>,
    /// Messages that workers have taken and not done with.
    pub unacked: Option<i64>,
    /// Workers that take from it.
    pub consumers: Option<i64>,
    /// Messages that came, a second.
    pub published_per_s: Option<f32>,
    /// Messages that were taken, a second.
    pub delivered_per_s: Option<f32>,
    /// Messages that wait for another try.
    pub retrying: Option<i64>,
    /// Messages that were given up: at the broker, and taken from there.
    pub dead: i64,
    /// How long ago the broker was asked, in seconds.
    pub age_s: Option<f64>,
}

/// The queues.
pub async fn queues(client: &impl GenericClient) -> Result<Vec<LiveQueue>, StoreError> {
    const SQL: &str =
        "/* watching::live::queues */ SELECT q.name, q.paused_at, q.paused_by, q.ready, q.unacked, q.consumers,
            q.published_per_s, q.delivered_per_s, q.retrying, COALESCE(q.dead, 0) + l.kept AS dead,
            extract(epoch FROM now() - q.sampled_at)::float8 AS age_s
        FROM queues q CROSS JOIN LATERAL (SELECT count(*) AS kept FROM (
            SELECT id FROM dead_letters WHERE queue = q.name ORDER BY id LIMIT $2) l) l
        ORDER BY q.name LIMIT $1";
    let queue = |row: &tokio_postgres::Row| LiveQueue {
        name: row.get("name"),
        paused_at: row.get("paused_at"),
        paused_by: row.get("paused_by"),
        ready: row.get("ready"),
        unacked: row.get("unacked"),
        consumers: row.get("consumers"),
        published_per_s: row.get("published_per_s"),
        delivered_per_s: row.get("delivered_per_s"),
        retrying: row.get("retrying"),
        dead: row.get("dead"),
        age_s: row.get("age_s"),
    };
    Ok(sql::query(client, SQL, &[&ROWS_MAX, &COUNT_MAX]).await?.iter().map(queue).collect())
}

/// A process, by its own word.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveWorker {
    /// Which.
    pub id: uuid::Uuid,
    /// Where it runs.
    pub host: String,
    /// What it runs.
    pub version: String,
    /// Its roles, with commas between them.
    pub roles: String,
    /// Messages being handled.
    pub in_flight: i64,
    /// Messages handled a second.
    pub handled_per_s: f32,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it gave its last word.
    pub beat_at: DateTime<Utc>,
    /// How long ago that was, in seconds.
    pub age_s: f64,
    /// Since when it is to take no more work.
    pub drain_asked_at: Option<DateTime<Utc>>,
    /// Since when it has none left.
    pub drained_at: Option<DateTime<Utc>>,
}

/// The processes that gave word in the last hour, the most recent first.
pub async fn workers(client: &impl GenericClient) -> Result<Vec<LiveWorker>, StoreError> {
    const SQL: &str =
        "/* watching::live::workers */ SELECT id, host, version, roles, in_flight, handled_per_s, started_at,
            beat_at, extract(epoch FROM now() - beat_at)::float8 AS age_s, drain_asked_at, drained_at
        FROM workers WHERE beat_at > now() - interval '1 hour' ORDER BY beat_at DESC, id LIMIT $1";
    let worker = |row: &tokio_postgres::Row| LiveWorker {
        id: row.get("id"),
        host: row.get("host"),
        version: row.get("version"),
        roles: row.get("roles"),
        in_flight: row.get("in_flight"),
        handled_per_s: row.get("handled_per_s"),
        started_at: row.get("started_at"),
        beat_at: row.get("beat_at"),
        age_s: row.get("age_s"),
        drain_asked_at: row.get("drain_asked_at"),
        drained_at: row.get("drained_at"),
    };
    Ok(sql::query(client, SQL, &[&ROWS_MAX]).await?.iter().map(worker).collect())
}

/// Messages in the outbox, of which nobody counts more than ten thousand, and the age of the oldest in seconds.
pub async fn outbox(client: &impl GenericClient) -> Result<(i64, f64), StoreError> {
    const SQL: &str =
        "/* watching::live::outbox */ SELECT count(*), COALESCE(extract(epoch FROM now() - min(created_at)), 0)::float8
        FROM (SELECT created_at FROM outbox ORDER BY id LIMIT $1) first";
    let row = sql::query_one(client, SQL, &[&COUNT_MAX]).await?;
    Ok((row.get(0), row.get(1)))
}

/// How fast a tenant's commands went out and ended at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LivePace {
    /// When.
    pub at: DateTime<Utc>,
    /// Commands that went out, a second.
    pub sent_per_s: f32,
    /// Commands that ended, a second.
    pub finished_per_s: f32,
    /// Commands that had not ended.
    pub open: i64,
}

/// How fast the commands of tenants went out and ended in the last hour, in the order of time.
pub async fn pace(client: &impl GenericClient) -> Result<BTreeMap<TenantId, Vec<LivePace>>, StoreError> {
    const SQL: &str = "/* watching::live::pace */ SELECT tenant_id, sampled_at, sent_per_s, finished_per_s, open
        FROM pace_samples WHERE sampled_at > now() - interval '1 hour' ORDER BY sampled_at DESC LIMIT $1";
    let mut found: BTreeMap<TenantId, Vec<LivePace>> = BTreeMap::new();
    for row in sql::query(client, SQL, &[&PACE_MAX]).await?.iter().rev() {
        found.entry(TenantId(row.get("tenant_id"))).or_default().push(LivePace {
            at: row.get("sampled_at"),
            sent_per_s: row.get("sent_per_s"),
            finished_per_s: row.get("finished_per_s"),
            open: row.get("open"),
        });
    }
    Ok(found)
}
