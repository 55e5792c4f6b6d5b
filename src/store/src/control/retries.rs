//! Wishes to try again what failed in a job: the planner walks the commands that have failed by them, chunk by chunk.

use drover_domain::{CommandState, JobId};

use crate::{GenericClient, StoreError, Tx, failures::failure_code, records::UnknownWord, sql};

/// A wish to try again what ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The row.
    pub id: i64,
    /// Commands that ended like this.
    pub states: Vec<CommandState>,
    /// Of these, those whose last attempt ended with this code, as [`crate::failures::code_of`] counts it.
    pub code: Option<String>,
    /// Devices up to this one have been looked at.
    pub walked_to: i64,
}

/// How far a wish to try again has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Commands tried again.
    pub retried: i64,
    /// Devices passed by, which are at work for another job or have been given something newer.
    pub busy: i64,
    /// Whether all were looked at.
    pub is_finished: bool,
}

/// Writes down a wish for a job that the caller has locked.
pub async fn insert(
    tx: &Tx<'_>,
    job: JobId,
    states: &[CommandState],
    code: Option<&str>,
    by: &str,
) -> Result<i64, StoreError> {
    const SQL: &str = "/* control::retries::insert */ INSERT INTO retries (job_id, states, code, asked_by) VALUES ($1, $2, $3, $4) RETURNING id";
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    Ok(sql::query_one(tx, SQL, &[&job.0, &states, &code, &by]).await?.get(0))
}

/// The oldest wish of a job that has not been carried out.
pub async fn open(client: &impl GenericClient, job: JobId) -> Result<Option<Retry>, StoreError> {
    const SQL: &str = "/* control::retries::open */ SELECT id, states, code, walked_to FROM retries
        WHERE job_id = $1 AND finished_at IS NULL ORDER BY id LIMIT 1";
    let Some(row) = sql::query_opt(client, SQL, &[&job.0]).await? else { return Ok(None) };
    let states: Vec<String> = row.get("states");
    let state = |word: String| CommandState::parse(&word).ok_or(UnknownWord { column: "states", word });
    Ok(Some(Retry {
        id: row.get("id"),
        states: states.into_iter().map(state).collect::<Result<_, _>>()?,
        code: row.get("code"),
        walked_to: row.get("walked_to"),
    }))
}

/// The newest wish of a job, and how far it has come.
pub async fn newest(client: &impl GenericClient, job: JobId) -> Result<Option<Progress>, StoreError> {
    const SQL: &str =
        "/* control::retries::newest */ SELECT retried, busy, finished_at IS NOT NULL AS is_finished FROM retries
        WHERE job_id = $1 ORDER BY id DESC LIMIT 1";
    let progress = |row: tokio_postgres::Row| Progress {
        retried: row.get("retried"),
        busy: row.get("busy"),
        is_finished: row.get("is_finished"),
    };
    Ok(sql::query_opt(client, SQL, &[&job.0]).await?.map(progress))
}

/// Some of the devices that failed in a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Whose commands are to be tried again, ascending.
    pub wanted: Vec<i64>,
    /// How many were passed by.
    pub busy: i64,
    /// The last one looked at; `None`: there is no further one.
    pub walked_to: Option<i64>,
}

/// The next devices of a job in which an attempt did not succeed: those of `limit` such attempts. Devices that have left are
/// tried again only with what takes something away from them.
pub async fn chunk(tx: &Tx<'_>, job: JobId, retry: &Retry, limit: i64) -> Result<Chunk, StoreError> {
    // Each look-up is by index, whatever the statistics say. What a device was given later in the same line, and has or may
    // still get, is not undone.
    const SQL: &str = concat!(
        "/* control::retries::chunk */ SELECT f.device_id, f.attempts, w.is_wanted,
            w.is_wanted AND EXISTS (SELECT FROM commands other
                CROSS JOIN LATERAL (SELECT kind, client_group_id, package_id, restriction_id FROM jobs
                    WHERE id = other.job_id OFFSET 0) j
                WHERE other.device_id = f.device_id AND other.job_id <> $1
                    AND (other.finished_at IS NULL AND j.kind <> 'push'
                        OR other.job_id > $1 AND (other.finished_at IS NULL OR other.state = 'succeeded')
                            AND ROW(j.kind, j.client_group_id, j.package_id, j.restriction_id) IS NOT DISTINCT FROM
                                (SELECT ROW(kind, client_group_id, package_id, restriction_id) FROM jobs WHERE id = $1)))
                AS is_busy
        FROM (SELECT device_id, count(*) AS attempts FROM (SELECT device_id FROM outcomes
                WHERE job_id = $1 AND device_id > $2 AND outcome <> 'succeeded' ORDER BY device_id LIMIT $3) a
            GROUP BY device_id) f
        CROSS JOIN LATERAL (SELECT attempt, state FROM commands WHERE job_id = $1 AND device_id = f.device_id OFFSET 0) c
        LEFT JOIN LATERAL (SELECT code FROM outcomes
            WHERE job_id = $1 AND device_id = f.device_id AND attempt = c.attempt OFFSET 0) o ON true
        CROSS JOIN LATERAL (SELECT c.state = ANY($4) AND ($5::text IS NULL OR ",
        failure_code!("o.code"),
        " = $5)
                AND (d.status <> 'deregistered'
                    OR (SELECT push_action FROM jobs WHERE id = $1) IN ('uninstall', 'remove')) IS TRUE AS is_wanted
            FROM devices d WHERE d.id = f.device_id OFFSET 0) w
        ORDER BY f.device_id"
    );
    let states: Vec<&str> = retry.states.iter().map(|state| state.as_str()).collect();
    let rows = sql::query(tx, SQL, &[&job.0, &retry.walked_to, &limit, &states, &retry.code]).await?;
    let mut chunk = Chunk::default();
    let mut attempts = 0;
    for row in &rows {
        let device: i64 = row.get("device_id");
        attempts += row.get::<_, i64>("attempts");
        match (row.get("is_wanted"), row.get("is_busy")) {
            (true, true) => chunk.busy += 1,
            (true, false) => chunk.wanted.push(device),
            _ => {}
        }
        chunk.walked_to = Some(device);
    }
    chunk.walked_to = chunk.walked_to.filter(|_| attempts >= limit);
    Ok(chunk)
}

/// Notes what became of a chunk.
pub async fn advance(tx: &Tx<'_>, retry: i64, chunk: &Chunk, retried: i64) -> Result<(), StoreError> {
    const SQL: &str = "/* control::retries::advance */ UPDATE retries SET walked_to = COALESCE($2, walked_to),
        retried = retried + $3, busy = busy + $4, finished_at = CASE WHEN $2 IS NULL THEN now() END WHERE id = $1";
    sql::execute(tx, SQL, &[&retry, &chunk.walked_to, &retried, &chunk.busy]).await?;
    Ok(())
}

/// Ends the wishes of a job that has been stopped, or whose time is over.
pub async fn close(tx: &Tx<'_>, job: JobId) -> Result<(), StoreError> {
    const SQL: &str = "/* control::retries::close */ UPDATE retries SET finished_at = now() WHERE job_id = $1 AND finished_at IS NULL";
    sql::execute(tx, SQL, &[&job.0]).await?;
    Ok(())
}

/// Attempts of a job that ended in one of these ways with this code: no fewer than the commands whose last one did.
pub async fn count_by_code(
    client: &impl GenericClient,
    job: JobId,
    states: &[CommandState],
    code: &str,
) -> Result<i64, StoreError> {
    const SQL: &str =
        "/* control::retries::count_by_code */ SELECT COALESCE(sum(count), 0)::bigint FROM failure_tallies
        WHERE job_id = $1 AND outcome = ANY($2) AND code IN ($3, '*')";
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    Ok(sql::query_one(client, SQL, &[&job.0, &states, &code]).await?.get(0))
}
