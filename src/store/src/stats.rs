//! What the metrics say of the database's rows.

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
