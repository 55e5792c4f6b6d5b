//! Reports that moved nothing, kept as evidence.

use std::time::Duration;

use drover_domain::{CommandId, CommandState, JobId, Outcome};

use crate::{GenericClient, StoreError, Tx, rows, sql};

/// Why a report moved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The same was said before.
    Duplicate,
    /// The attempt has ended, or a later one is under way.
    Late,
    /// No such attempt has been made.
    Premature,
}

impl Reason {
    /// The reason's name in rows and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Premature => "premature",
        }
    }
}

/// A report that moved nothing.
#[derive(Debug, Clone)]
pub struct UnappliedReport<'a> {
    /// The command.
    pub command: CommandId,
    /// The attempt it was about.
    pub attempt: i16,
    /// What it said.
    pub status: &'a str,
    /// The device's result code.
    pub code: Option<&'a str>,
    /// The device's words.
    pub message: Option<&'a str>,
    /// Why it moved nothing.
    pub reason: Reason,
}

/// Keeps reports as evidence.
pub async fn insert_unapplied(tx: &Tx<'_>, reports: &[UnappliedReport<'_>]) -> Result<(), StoreError> {
    const SQL: &str = "/* reports::insert_unapplied */
        INSERT INTO unapplied_reports (job_id, device_id, attempt, status, code, message, reason)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[])";
    if reports.is_empty() {
        return Ok(());
    }
    let jobs: Vec<i64> = reports.iter().map(|r| r.command.job.0).collect();
    let devices: Vec<i64> = reports.iter().map(|r| r.command.device.0).collect();
    let attempts: Vec<i16> = reports.iter().map(|r| r.attempt).collect();
    let statuses: Vec<&str> = reports.iter().map(|r| r.status).collect();
    let codes: Vec<Option<&str>> = reports.iter().map(|r| r.code).collect();
    let messages: Vec<Option<&str>> = reports.iter().map(|r| r.message).collect();
    let reasons: Vec<&str> = reports.iter().map(|r| r.reason.as_str()).collect();
    sql::execute(tx, SQL, &[&jobs, &devices, &attempts, &statuses, &codes, &messages, &reasons]).await?;
    Ok(())
}

/// Where a command stands, for judging reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The device.
    pub device: i64,
    /// The present attempt.
    pub attempt: i16,
    /// How many attempts may follow by themselves.
    pub retries_left: i16,
    /// The present state.
    pub state: CommandState,
    /// Whether the device refused to stop the present attempt.
    pub cancel_refused: bool,
}

/// Where commands of a job stand; devices that have none are left out.
pub async fn standings(client: &impl GenericClient, job: JobId, devices: &[i64]) -> Result<Vec<Standing>, StoreError> {
    const SQL: &str =
        "/* reports::standings */ SELECT device_id, attempt, state, cancel_refused, retries_left FROM commands
        WHERE job_id = $1 AND device_id = ANY($2)";
    let found = sql::query(client, SQL, &[&job.0, &devices]).await?;
    let standing = |row| {
        Ok(Standing {
            device: tokio_postgres::Row::get(row, 0),
            attempt: row.get(1),
            state: rows::state(row, "state")?,
            cancel_refused: row.get(3),
            retries_left: row.get(4),
        })
    };
    found.iter().map(standing).collect()
}

/// How ended attempts of commands of a job ended, by device and attempt.
pub async fn outcomes(
    client: &impl GenericClient,
    job: JobId,
    devices: &[i64],
) -> Result<Vec<((i64, i16), Outcome)>, StoreError> {
    const SQL: &str = "/* reports::outcomes */ SELECT device_id, attempt, outcome FROM outcomes
        WHERE job_id = $1 AND device_id = ANY($2)";
    let found = sql::query(client, SQL, &[&job.0, &devices]).await?;
    let outcome =
        |row: &tokio_postgres::Row| Ok(((row.get(0), row.get(1)), rows::word(row, "outcome", Outcome::parse)?));
    found.iter().map(outcome).collect()
}

/// A pile of evidence: the device, and the attempt unless it has never been made.
pub type Pile = (i64, Option<i16>);

impl UnappliedReport<'_> {
    /// Where it belongs. Attempts that were never made share a pile: a device can name thousands of them.
    pub fn pile(&self) -> Pile {
        (self.command.device.0, (self.reason != Reason::Premature).then_some(self.attempt))
    }
}

/// How much evidence there is of commands of a job, by device and attempt.
pub async fn piles(client: &impl GenericClient, job: JobId, devices: &[i64]) -> Result<Vec<(Pile, i64)>, StoreError> {
    const SQL: &str =
        "/* reports::piles */ SELECT device_id, CASE WHEN reason <> 'premature' THEN attempt END, count(*)
        FROM unapplied_reports WHERE job_id = $1 AND device_id = ANY($2) GROUP BY 1, 2";
    let found = sql::query(client, SQL, &[&job.0, &devices]).await?;
    Ok(found.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

/// Forgets up to `limit` reports that are older than `age`, from the one behind `after` on in the order they were kept.
/// The last that is gone, when as many were old: there may be more.
///
/// Ids ascend in time, but for the length of a transaction, so age needs no index.
pub async fn forget_unapplied(
    client: &impl GenericClient,
    age: Duration,
    after: i64,
    limit: i64,
) -> Result<(u64, Option<i64>), StoreError> {
    const SQL: &str = "/* reports::forget_unapplied */ WITH first AS MATERIALIZED (
            SELECT id, received_at FROM unapplied_reports WHERE id > $2 ORDER BY id LIMIT $3),
        gone AS (DELETE FROM unapplied_reports WHERE id = ANY(ARRAY(
            SELECT id FROM first WHERE received_at < now() - make_interval(secs => $1))) RETURNING id)
        SELECT count(*), max(id) FROM gone";
    let row = sql::query_one(client, SQL, &[&age.as_secs_f64(), &after, &limit]).await?;
    let gone: i64 = row.get(0);
    Ok((gone.unsigned_abs(), row.get::<_, Option<i64>>(1).filter(|_| gone >= limit)))
}
