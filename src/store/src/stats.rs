//! What the metrics say of the database's rows, and what a job and the database itself have been through.

use drover_domain::JobId;

use crate::{GenericClient, StoreError, sql};

/// A number of rows by kind and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The kind of job.
    pub kind: String,
    /// The state.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// Jobs that have not ended, by kind and state. Ended ones are counted when they end.
pub async fn active_jobs(client: &impl GenericClient) -> Result<Vec<Count>, StoreError> {
    const SQL: &str = "/* stats::active_jobs */ SELECT kind, state, count(*) FROM jobs
        WHERE state IN ('scheduled', 'running', 'paused') GROUP BY kind, state";
    Ok(sql::query(client, SQL, &[]).await?.iter().map(count).collect())
}

/// Commands of jobs that have not ended, by the job's kind and the command's state.
pub async fn active_commands(client: &impl GenericClient) -> Result<Vec<Count>, StoreError> {
    const SQL: &str = "/* stats::active_commands */ SELECT j.kind, t.state, sum(t.count)::bigint
        FROM jobs j JOIN job_tallies t ON t.job_id = j.id
        WHERE j.state IN ('scheduled', 'running', 'paused') GROUP BY j.kind, t.state";
    Ok(sql::query(client, SQL, &[]).await?.iter().map(count).collect())
}

/// Of these, those of jobs that are paused.
pub async fn held_commands(client: &impl GenericClient) -> Result<Vec<Count>, StoreError> {
    const SQL: &str = "/* stats::held_commands */ SELECT j.kind, t.state, sum(t.count)::bigint
        FROM jobs j JOIN job_tallies t ON t.job_id = j.id WHERE j.state = 'paused' GROUP BY j.kind, t.state";
    Ok(sql::query(client, SQL, &[]).await?.iter().map(count).collect())
}

fn count(row: &tokio_postgres::Row) -> Count {
    Count { kind: row.get(0), state: row.get(1), count: row.get(2) }
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutboxStats {
    /// Messages.
    pub messages: i64,
    /// The age of the oldest in seconds; 0 when there is none.
    pub oldest_s: f64,
}

/// What waits in the outbox.
pub async fn outbox(client: &impl GenericClient) -> Result<OutboxStats, StoreError> {
    const SQL: &str = "/* stats::outbox */ SELECT count(*),
        COALESCE(extract(epoch FROM now() - min(created_at)), 0)::double precision FROM outbox";
    let row = sql::query_one(client, SQL, &[]).await?;
    Ok(OutboxStats { messages: row.get(0), oldest_s: row.get(1) })
}

/// Attempts that a job's commands began.
pub async fn attempts(client: &impl GenericClient, job: JobId) -> Result<i64, StoreError> {
    const SQL: &str = "/* stats::attempts */ SELECT COALESCE(sum(attempt), 0)::bigint FROM commands
        WHERE job_id = $1 AND state <> 'planned'";
    Ok(sql::query_one(client, SQL, &[&job.0]).await?.get(0))
}

/// Reports about a job that moved nothing, by reason.
pub async fn evidence(client: &impl GenericClient, job: JobId) -> Result<Vec<(String, i64)>, StoreError> {
    const SQL: &str =
        "/* stats::evidence */ SELECT reason, count(*) FROM unapplied_reports WHERE job_id = $1 GROUP BY reason";
    Ok(sql::query(client, SQL, &[&job.0]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How much the database has written to its log since it was made, in bytes. The difference of two is what was written
/// meanwhile, by everybody.
pub async fn wal_bytes(client: &impl GenericClient) -> Result<i64, StoreError> {
    const SQL: &str = "/* stats::wal_bytes */ SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
    Ok(sql::query_one(client, SQL, &[]).await?.get(0))
}
