//! How jobs went and how fast tenants' commands moved: readings of the tallies, kept.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use drover_domain::{JobId, StateCounts, TenantId};

use crate::{GenericClient, StoreError, Tx, rows, sql};

/// Any number that nobody else locks: "samples" in ASCII.
const LOCK: i64 = 0x73_61_6d_70_6c_65_73;
/// The shortest time between two samples of a job, in seconds.
const STEP_S: f64 = 2.0;
/// The longer a job runs the rarer they come: as many as this in the time that it has run, if they came evenly. So a job of a
/// day has about 400, one of a month about 550.
const STEPS: f64 = 50.0;
/// Samples that are read of a job: more than there are of one that runs for a year.
const SAMPLES_MAX: i64 = 1000;

/// Where a job's commands stood at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSample {
    /// When.
    pub at: DateTime<Utc>,
    /// Commands that waited for their release.
    pub planned: i64,
    /// Commands that waited for their channel or their next attempt.
    pub queued: i64,
    /// Commands that were with their devices.
    pub under_way: i64,
    /// Commands that did what they were for.
    pub succeeded: i64,
    /// Commands that ended otherwise.
    pub failed: i64,
}

/// Lets one process sample at a time, until its transaction ends. `false`: another one does.
pub async fn take_turn(tx: &Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "/* samples::take_turn */ SELECT pg_try_advisory_xact_lock($1)";
    Ok(sql::query_one(tx, SQL, &[&LOCK]).await?.get(0))
}

/// Takes a sample of jobs whose turn has come, `limit` at most: those that run or are held, at growing intervals; those that
/// were completed in the last minute, once, which is exact; and those that were stopped in the last quarter of an hour, as long
/// as their devices answer. Returns how many.
pub async fn take(tx: &Tx<'_>, limit: i64) -> Result<u64, StoreError> {
    const SQL: &str = "/* samples::take */ WITH chosen AS (
            SELECT id, started_at, finished_at, state FROM jobs
                WHERE state IN ('running', 'paused') AND kind <> 'publish'
            UNION ALL SELECT id, started_at, finished_at, state FROM jobs
                WHERE finished_at > now() - interval '15 minutes' AND kind <> 'publish' AND started_at IS NOT NULL
                AND (state <> 'completed' OR finished_at > now() - interval '1 minute')
        ), due AS MATERIALIZED (
            SELECT c.id, c.finished_at, s.* FROM chosen c LEFT JOIN LATERAL (
                SELECT sampled_at, planned, queued, under_way, succeeded, failed FROM job_samples WHERE job_id = c.id
                ORDER BY sampled_at DESC LIMIT 1) s ON true
            WHERE s.sampled_at IS NULL OR s.sampled_at <= c.finished_at
               OR c.state <> 'completed' AND s.sampled_at <= now() - make_interval(secs => greatest($2::float8,
                   extract(epoch FROM COALESCE(c.finished_at, now()) - c.started_at)::float8 / $3::float8))
            ORDER BY s.sampled_at NULLS FIRST, c.id LIMIT $1
        )
        INSERT INTO job_samples (job_id, sampled_at, planned, queued, under_way, succeeded, failed)
        SELECT d.id, now(), t.planned, t.queued, t.under_way, t.succeeded, t.failed FROM due d CROSS JOIN LATERAL (
            SELECT COALESCE(sum(count) FILTER (WHERE state = 'planned'), 0)::bigint AS planned,
                COALESCE(sum(count) FILTER (WHERE state = 'queued'), 0)::bigint AS queued,
                COALESCE(sum(count) FILTER (WHERE state = ANY($4)), 0)::bigint AS under_way,
                COALESCE(sum(count) FILTER (WHERE state = 'succeeded'), 0)::bigint AS succeeded,
                COALESCE(sum(count) FILTER (WHERE state = ANY($5)), 0)::bigint AS failed
            FROM job_tallies WHERE job_id = d.id) t
        -- Of a job that was stopped, only what its devices still answer is new.
        WHERE d.finished_at IS NULL OR d.sampled_at IS NULL OR d.sampled_at <= d.finished_at
           OR (d.planned, d.queued, d.under_way, d.succeeded, d.failed)
               <> (t.planned, t.queued, t.under_way, t.succeeded, t.failed)
        ON CONFLICT DO NOTHING";
    use drover_domain::CommandState as S;
    let names = |is: fn(S) -> bool| S::ALL.into_iter().filter(|state| is(*state)).map(S::as_str).collect::<Vec<_>>();
    let (under_way, failed) = (names(S::is_handed_over), names(|state| state.is_terminal() && state != S::Succeeded));
    sql::execute(tx, SQL, &[&limit, &STEP_S, &STEPS, &under_way, &failed]).await
}

/// How jobs went, each in the order of time.
pub async fn of_jobs(client: &impl GenericClient, jobs: &[i64]) -> Result<BTreeMap<JobId, Vec<JobSample>>, StoreError> {
    const SQL: &str = "/* samples::of_jobs */ SELECT s.* FROM unnest($1::bigint[]) AS j (id) CROSS JOIN LATERAL (
            SELECT job_id, sampled_at, planned, queued, under_way, succeeded, failed FROM job_samples WHERE job_id = j.id
            ORDER BY sampled_at DESC LIMIT $2) s ORDER BY s.job_id, s.sampled_at";
    let mut found: BTreeMap<JobId, Vec<JobSample>> = BTreeMap::new();
    for row in sql::query(client, SQL, &[&jobs, &SAMPLES_MAX]).await? {
        found.entry(JobId(row.get("job_id"))).or_default().push(JobSample {
            at: row.get("sampled_at"),
            planned: row.get("planned"),
            queued: row.get("queued"),
            under_way: row.get("under_way"),
            succeeded: row.get("succeeded"),
            failed: row.get("failed"),
        });
    }
    Ok(found)
}

/// Where the commands of a job that is going on, or that ended in the last minute, stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReading {
    /// The job.
    pub job: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// Its commands by state.
    pub counts: StateCounts,
}

/// The time, and where the commands of all jobs stand that are going on or ended in the last minute: the newest `limit`.
pub async fn readings(client: &impl GenericClient, limit: i64) -> Result<(DateTime<Utc>, Vec<JobReading>), StoreError> {
    const SQL: &str =
        "/* samples::readings */ SELECT now() AS read_at, j.id, j.tenant_id, j.started_at, t.state, t.count FROM (
            (SELECT id, tenant_id, started_at FROM jobs
                WHERE state IN ('running', 'paused') AND kind <> 'publish'
                ORDER BY id DESC LIMIT $1)
            UNION ALL (SELECT id, tenant_id, started_at FROM jobs
                WHERE finished_at > now() - interval '1 minute' AND kind <> 'publish' AND started_at IS NOT NULL
                ORDER BY finished_at DESC LIMIT $1)) j
        LEFT JOIN LATERAL (SELECT state, sum(count)::bigint AS count FROM job_tallies WHERE job_id = j.id
            GROUP BY state OFFSET 0) t ON true
        ORDER BY j.id";
    let found = sql::query(client, SQL, &[&limit]).await?;
    let read_at = found.first().map_or_else(DateTime::default, |row| row.get("read_at"));
    let mut readings: Vec<JobReading> = Vec::new();
    for row in &found {
        let job = JobId(row.get("id"));
        if readings.last().is_none_or(|last| last.job != job) {
            let (tenant, started_at) = (TenantId(row.get("tenant_id")), row.get("started_at"));
            readings.push(JobReading { job, tenant, started_at, counts: StateCounts::default() });
        }
        if let (Some(state), Some(last)) =
            (rows::optional_word(row, "state", drover_domain::CommandState::parse)?, readings.last_mut())
        {
            last.counts.add(state, row.get("count"));
        }
    }
    Ok((read_at, readings))
}

/// How fast a tenant's commands moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Whose.
    pub tenant: TenantId,
    /// Commands that went out, a second.
    pub sent_per_s: f32,
    /// Commands that ended, a second.
    pub finished_per_s: f32,
    /// Commands that had not ended.
    pub open: i64,
}

/// Whether anybody has kept the pace of tenants within `age`.
pub async fn is_pace_known(client: &impl GenericClient, age: Duration) -> Result<bool, StoreError> {
    const SQL: &str = "/* samples::is_pace_known */ SELECT COALESCE((SELECT sampled_at FROM pace_samples
        ORDER BY sampled_at DESC LIMIT 1) > now() - make_interval(secs => $1), false)";
    Ok(sql::query_one(client, SQL, &[&age.as_secs_f64()]).await?.get(0))
}

/// Keeps how fast tenants' commands move now.
pub async fn insert_pace(client: &impl GenericClient, pace: &[Pace]) -> Result<(), StoreError> {
    const SQL: &str = "/* samples::insert_pace */ INSERT INTO pace_samples (tenant_id, sampled_at, sent_per_s, finished_per_s, open)
        SELECT tenant_id, now(), sent_per_s, finished_per_s, open
        FROM unnest($1::bigint[], $2::real[], $3::real[], $4::bigint[]) AS t (tenant_id, sent_per_s, finished_per_s, open)
        ON CONFLICT DO NOTHING";
    let tenants: Vec<i64> = pace.iter().map(|pace| pace.tenant.0).collect();
    let (sent, finished): (Vec<f32>, Vec<f32>) = pace.iter().map(|pace| (pace.sent_per_s, pace.finished_per_s)).unzip();
    let open: Vec<i64> = pace.iter().map(|pace| pace.open).collect();
    sql::execute(client, SQL, &[&tenants, &sent, &finished, &open]).await?;
    Ok(())
}

/// Forgets how fast commands moved longer ago than `age`, `limit` samples at most. Returns how many.
pub async fn forget_pace(client: &impl GenericClient, age: Duration, limit: i64) -> Result<u64, StoreError> {
    // Rows that never change: where they lie is as good as a key, and no plan reads the table to find them.
    const SQL: &str = "/* samples::forget_pace */ DELETE FROM pace_samples WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM pace_samples WHERE sampled_at < now() - make_interval(secs => $1) ORDER BY sampled_at LIMIT $2))";
    sql::execute(client, SQL, &[&age.as_secs_f64(), &limit]).await
}
