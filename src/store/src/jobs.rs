//! Jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{JobEvent, JobId, JobKind, JobState, Policy, ProductId};

use crate::{
    Firmware, GenericClient, Job, Page, Paged, Product, StoreError, Tx,
    rows::{self, firmware_columns, product_columns},
    sql,
};

/// Columns and tables of [`rows::job`].
macro_rules! select_job {
    () => {
        concat!(
            "SELECT j.id AS job_id, j.kind, j.name AS job_name, j.description, j.state, j.retry_limit, j.attempt_timeout_s,
                j.job_timeout_s, j.proof_required, j.created_by, j.trace_context, j.created_at, j.started_at, j.expires_at,
                COALESCE(j.expires_at <= now(), false) AS is_expired,
                j.finished_at, (SELECT COALESCE(sum(t.count), 0)::bigint FROM job_tallies t WHERE t.job_id = j.id) AS device_count, ",
            product_columns!(),
            ", ",
            firmware_columns!(),
            " FROM jobs j JOIN products p ON p.id = j.product_id JOIN firmwares f ON f.id = j.firmware_id "
        )
    };
}

/// A job to be made.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What it does.
    pub kind: JobKind,
    /// Its name.
    pub name: &'a str,
    /// Free text.
    pub description: &'a str,
    /// How it treats its commands.
    pub policy: Policy,
    /// Who makes it.
    pub created_by: &'a str,
    /// The traceparent of the call.
    pub trace_context: &'a str,
}

/// Makes a draft.
pub async fn insert(
    client: &impl GenericClient,
    product: &Product,
    firmware: &Firmware,
    new: &NewJob<'_>,
) -> Result<JobId, StoreError> {
    const SQL: &str =
        "/* jobs::insert */ INSERT INTO jobs (tenant_id, product_id, firmware_id, kind, name, description,
            retry_limit, attempt_timeout_s, job_timeout_s, created_by, updated_by, trace_context)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11) RETURNING id";
    let Policy { retry_limit, attempt_timeout_s, job_timeout_s } = new.policy;
    let row = sql::query_one(
        client,
        SQL,
        &[
            &product.tenant.0,
            &product.id.0,
            &firmware.id.0,
            &new.kind.as_str(),
            &new.name,
            &new.description,
            &retry_limit,
            &attempt_timeout_s,
            &job_timeout_s,
            &new.created_by,
            &new.trace_context,
        ],
    )
    .await?;
    Ok(JobId(row.get(0)))
}

/// A job of a product, unless it was deleted.
pub async fn get(client: &impl GenericClient, product: ProductId, id: JobId) -> Result<Option<Job>, StoreError> {
    const SQL: &str =
        concat!("/* jobs::get */ ", select_job!(), "WHERE j.id = $1 AND j.product_id = $2 AND j.deleted_at IS NULL");
    sql::query_opt(client, SQL, &[&id.0, &product.0]).await?.as_ref().map(rows::job).transpose()
}

/// A job for a worker: deleted or not, whoever owns it.
pub async fn get_for_work(client: &impl GenericClient, id: JobId) -> Result<Option<Job>, StoreError> {
    const SQL: &str = concat!("/* jobs::get_for_work */ ", select_job!(), "WHERE j.id = $1");
    sql::query_opt(client, SQL, &[&id.0]).await?.as_ref().map(rows::job).transpose()
}

/// What recording and timekeeping need of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRules {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// How it treats its commands.
    pub policy: Policy,
    /// Whether success needs proof.
    pub proof_required: bool,
    /// The version that proves it.
    pub version: String,
    /// The traceparent of the call that made it.
    pub trace_context: String,
    /// Whether its time is over.
    pub is_expired: bool,
}

/// The rules of jobs, by id; ids that are no job's are left out.
pub async fn rules(client: &impl GenericClient, ids: &[i64]) -> Result<Vec<JobRules>, StoreError> {
    const SQL: &str =
        "/* jobs::rules */ SELECT j.id, j.kind, j.state, j.retry_limit, j.attempt_timeout_s, j.job_timeout_s,
            j.proof_required, f.version, j.trace_context, COALESCE(j.expires_at <= now(), false) AS is_expired
        FROM jobs j JOIN firmwares f ON f.id = j.firmware_id WHERE j.id = ANY($1) ORDER BY j.id";
    let rules = |row: &tokio_postgres::Row| {
        Ok(JobRules {
            id: JobId(row.get("id")),
            kind: rows::word(row, "kind", JobKind::parse)?,
            state: rows::word(row, "state", JobState::parse)?,
            policy: Policy {
                retry_limit: row.get("retry_limit"),
                attempt_timeout_s: row.get("attempt_timeout_s"),
                job_timeout_s: row.get("job_timeout_s"),
            },
            proof_required: row.get("proof_required"),
            version: row.get("version"),
            trace_context: row.get("trace_context"),
            is_expired: row.get("is_expired"),
        })
    };
    sql::query(client, SQL, &[&ids]).await?.iter().map(rules).collect()
}

/// A job of a product, locked against every other transaction that changes it or plans for it.
pub async fn lock(tx: &Tx<'_>, product: ProductId, id: JobId) -> Result<Option<Job>, StoreError> {
    const SQL: &str = concat!(
        "/* jobs::lock */ ",
        select_job!(),
        "WHERE j.id = $1 AND j.product_id = $2 AND j.deleted_at IS NULL FOR NO KEY UPDATE OF j"
    );
    sql::query_opt(tx, SQL, &[&id.0, &product.0]).await?.as_ref().map(rows::job).transpose()
}

/// A job for the planner, locked, and up to which device its commands have been released (`None`: nothing to release).
pub async fn lock_for_planning(tx: &Tx<'_>, id: JobId) -> Result<Option<(Job, Option<i64>)>, StoreError> {
    const SQL: &str =
        concat!("/* jobs::lock_for_planning */ ", select_job!(), "WHERE j.id = $1 FOR NO KEY UPDATE OF j");
    const CURSOR: &str = "/* jobs::lock_for_planning cursor */ SELECT released_to FROM jobs WHERE id = $1";
    match sql::query_opt(tx, SQL, &[&id.0]).await? {
        Some(row) => Ok(Some((rows::job(&row)?, sql::query_one(tx, CURSOR, &[&id.0]).await?.get(0)))),
        None => Ok(None),
    }
}

/// One page of a product's jobs, newest first, whose name contains `search`.
pub async fn page(
    client: &impl GenericClient,
    product: ProductId,
    search: Option<&str>,
    page: Page,
) -> Result<Paged<Job>, StoreError> {
    macro_rules! condition {
        () => {
            "WHERE j.product_id = $1 AND j.deleted_at IS NULL AND ($2::text IS NULL OR strpos(lower(j.name), lower($2)) > 0)"
        };
    }
    const LIST: &str =
        concat!("/* jobs::page */ ", select_job!(), condition!(), " ORDER BY j.id DESC LIMIT $3 OFFSET $4");
    const COUNT: &str =
        concat!("/* jobs::count */ SELECT count(*) FROM (SELECT FROM jobs j ", condition!(), " LIMIT $3) counted");
    let total = sql::query_one(client, COUNT, &[&product.0, &search, &i64::from(Page::MAX_DEPTH)]).await?.get(0);
    let found = sql::query(client, LIST, &[&product.0, &search, &page.limit(), &page.offset()]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::job).collect::<Result<_, _>>()? })
}

/// What of a draft may be changed.
#[derive(Debug, Clone, Default)]
pub struct JobChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Who changes it.
    pub updated_by: Option<String>,
    /// Automatic tries after the first.
    pub retry_limit: Option<i16>,
    /// How long a device may take for one attempt, in seconds.
    pub attempt_timeout_s: Option<i32>,
    /// How long the whole job may take from its start, in seconds.
    pub job_timeout_s: Option<i32>,
}

/// Changes a job that the caller has locked.
pub async fn update(tx: &Tx<'_>, id: JobId, change: &JobChange) -> Result<(), StoreError> {
    const SQL: &str =
        "/* jobs::update */ UPDATE jobs SET name = COALESCE($2, name), description = COALESCE($3, description),
        updated_by = COALESCE($4, updated_by), retry_limit = COALESCE($5, retry_limit),
        attempt_timeout_s = COALESCE($6, attempt_timeout_s), job_timeout_s = COALESCE($7, job_timeout_s),
        updated_at = now() WHERE id = $1";
    let JobChange { name, description, updated_by, retry_limit, attempt_timeout_s, job_timeout_s } = change;
    let seconds = (attempt_timeout_s, job_timeout_s);
    sql::execute(tx, SQL, &[&id.0, name, description, updated_by, retry_limit, seconds.0, seconds.1]).await?;
    Ok(())
}

/// Hides a job that the caller has locked.
pub async fn delete(tx: &Tx<'_>, id: JobId, updated_by: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::delete */ UPDATE jobs SET deleted_at = now(), updated_at = now(),
        updated_by = COALESCE($2, updated_by) WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &updated_by]).await?;
    Ok(())
}

/// Moves a job; the guard is generated from [`JobState::after`]. Starting opens the gate for its commands and sets its
/// clock; cancelling sends the planner over them from the first. Returns whether the event was allowed.
pub async fn apply(
    client: &impl GenericClient,
    id: JobId,
    event: JobEvent,
    start_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* jobs::apply */ UPDATE jobs SET state = $2, updated_at = now(),
        start_at = COALESCE($4, start_at),
        started_at = CASE WHEN $5 THEN now() ELSE started_at END,
        expires_at = CASE WHEN $5 OR $6 THEN now() + make_interval(secs => job_timeout_s) ELSE expires_at END,
        released_to = CASE WHEN $5 OR $8 THEN 0 ELSE released_to END,
        finished_at = CASE WHEN $7 THEN now() END
        WHERE id = $1 AND state = ANY($3)";
    let Some(target) = JobState::sources(event).next().and_then(|state| state.after(event)) else { return Ok(false) };
    let sources: Vec<&str> = JobState::sources(event).map(JobState::as_str).collect();
    let (starts, reopens) = (event == JobEvent::Start, event == JobEvent::Reopen);
    let stops = matches!(event, JobEvent::Cancel | JobEvent::Abort);
    let moved = sql::execute(
        client,
        SQL,
        &[&id.0, &target.as_str(), &sources, &start_at, &starts, &reopens, &target.is_terminal(), &stops],
    )
    .await?;
    Ok(moved == 1)
}

/// Says when the planner is to be called again for a job should nobody have; `None`: there is nothing to plan or release.
pub async fn set_plan_due(tx: &Tx<'_>, id: JobId, after: Option<Duration>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::set_plan_due */ UPDATE jobs SET plan_due_at = now() + make_interval(secs => $2::float8) WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &after.map(|after| after.as_secs_f64())]).await?;
    Ok(())
}

/// Jobs for which the planner is overdue, `limit` at most, locked; each is given `again` until it is overdue once more.
pub async fn plan_overdue(tx: &Tx<'_>, limit: i64, again: Duration) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::plan_overdue */ UPDATE jobs SET plan_due_at = now() + make_interval(secs => $2)
        WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE plan_due_at <= now() ORDER BY plan_due_at LIMIT $1
            FOR NO KEY UPDATE SKIP LOCKED)) RETURNING id";
    let found = sql::query(tx, SQL, &[&limit, &again.as_secs_f64()]).await?;
    Ok(found.iter().map(|row| JobId(row.get(0))).collect())
}

/// Remembers how far a job's commands have been released; `None` when all are.
pub async fn set_released_to(tx: &Tx<'_>, id: JobId, released_to: Option<i64>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::set_released_to */ UPDATE jobs SET released_to = $2 WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &released_to]).await?;
    Ok(())
}

/// Scheduled jobs whose time has come, `limit` at most, locked; those that another timekeeper holds are its own.
pub async fn due(tx: &Tx<'_>, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::due */ SELECT id FROM jobs WHERE state = 'scheduled' AND start_at <= now()
        ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED";
    Ok(sql::query(tx, SQL, &[&limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Running jobs after `after` that have nothing left to plan, release or wait for, `limit` at most.
pub async fn finished(client: &impl GenericClient, after: JobId, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::finished */ SELECT j.id FROM jobs j
        WHERE j.state = 'running' AND j.released_to IS NULL AND j.id > $1
        AND NOT EXISTS (SELECT FROM audiences a WHERE a.job_id = j.id AND a.planned_at IS NULL)
        AND NOT EXISTS (SELECT FROM job_tallies t WHERE t.job_id = j.id AND t.state = ANY($3)
            GROUP BY t.state HAVING sum(t.count) > 0)
        ORDER BY j.id LIMIT $2";
    let open: Vec<&str> = drover_domain::CommandState::open().map(drover_domain::CommandState::as_str).collect();
    Ok(sql::query(client, SQL, &[&after.0, &limit, &open]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Jobs after `after` that run or have something to plan, `limit` at most: what a broker that kept nothing must be told.
pub async fn unfinished(client: &impl GenericClient, after: JobId, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::unfinished */ SELECT id FROM (
            SELECT id FROM jobs WHERE state IN ('scheduled', 'running', 'paused')
            UNION SELECT job_id FROM audiences WHERE planned_at IS NULL
        ) unfinished WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(sql::query(client, SQL, &[&after.0, &limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}
