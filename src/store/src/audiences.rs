//! Who was asked for, and the commands made of it: fan-out inside the database.

mod pushes;
mod walk;

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{DeviceId, JobId, OrganisationId};
use tokio_postgres::types::ToSql;

pub use pushes::{PushAudience, insert_push, plan_push_chunk};

use crate::{GenericClient, StoreError, Tx, clients::targets, sql};

/// Who a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// These devices, ascending.
    Devices(Vec<DeviceId>),
    /// Every device of the job's product that has no open command.
    Product,
    /// Every device of an organisation and of those below it that can use what the job brings, and does not have it.
    Organisation(OrganisationId),
}

/// Notes who is asked for.
pub async fn insert(tx: &Tx<'_>, job: JobId, audience: &Audience, created_by: &str) -> Result<(), StoreError> {
    const SQL: &str = "/* audiences::insert */
        INSERT INTO audiences (job_id, kind, device_ids, organisation_id, created_by) VALUES ($1, $2, $3, $4, $5)";
    let (kind, devices, organisation) = match audience {
        Audience::Devices(devices) => {
            ("devices", Some(devices.iter().map(|device| device.0).collect::<Vec<_>>()), None)
        }
        Audience::Product => ("product", None, None),
        Audience::Organisation(organisation) => ("organisation", None, Some(organisation.0)),
    };
    sql::execute(tx, SQL, &[&job.0, &kind, &devices, &organisation, &created_by]).await?;
    Ok(())
}

/// Notes which organisations a publication reaches, each with its own end. There is nothing to plan for them.
pub async fn insert_reached(
    tx: &Tx<'_>,
    job: JobId,
    reached: &[(OrganisationId, Option<DateTime<Utc>>)],
    created_by: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "/* audiences::insert_reached */
        INSERT INTO audiences (job_id, kind, organisation_id, expires_at, planned_at, created_by)
        SELECT $1, 'organisation', organisation_id, expires_at, now(), $4
        FROM unnest($2::bigint[], $3::timestamptz[]) AS given (organisation_id, expires_at)";
    let (organisations, ends): (Vec<i64>, Vec<_>) = reached.iter().map(|(id, ends)| (id.0, *ends)).unzip();
    sql::execute(tx, SQL, &[&job.0, &organisations, &ends, &created_by]).await?;
    Ok(())
}

/// Whether anybody was asked for.
pub async fn exists(client: &impl GenericClient, job: JobId) -> Result<bool, StoreError> {
    const SQL: &str = "/* audiences::exists */ SELECT EXISTS (SELECT FROM audiences WHERE job_id = $1)";
    Ok(sql::query_one(client, SQL, &[&job.0]).await?.get(0))
}

/// A chunk of commands that came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChunk {
    /// The devices that got one, ascending; those that had one already are not among them.
    pub devices: Vec<i64>,
    /// Whether they are everybody of the product in their range, so that a range names them as well as a list.
    pub is_range: bool,
}

/// How commands are made.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    /// Automatic tries after the first.
    pub retry_limit: i16,
    /// Devices looked at in one step.
    pub limit: i64,
    /// When the job runs already: the commands are the dispatcher's for that long.
    pub release: Option<Duration>,
}

/// Organisations looked at in one step, however few devices they have.
const ORGANISATIONS_PER_STEP: i64 = 100;

/// Commands of the devices that `$chosen` yields: id, whether the device is free, and the version that it runs.
macro_rules! insert_from {
    ($name:literal, $chosen:literal) => {
        concat!(
            "/* audiences::plan_chunk ",
            $name,
            " */ WITH chosen AS (",
            $chosen,
            "), made AS (
                INSERT INTO commands (job_id, device_id, retries_left, version_before, state, deadline_at)
                SELECT $1, id, $4, version_before, CASE WHEN $5::float8 IS NULL THEN 'planned' ELSE 'queued' END,
                    now() + make_interval(secs => $5)
                FROM chosen WHERE is_free
                ON CONFLICT (job_id, device_id) DO NOTHING RETURNING device_id
            ) SELECT (SELECT count(*) FROM chosen), (SELECT max(id) FROM chosen),
                ARRAY(SELECT device_id FROM made ORDER BY device_id)"
        )
    };
}

/// What one statement made: devices looked at, the last of them, and who got a command.
struct Made {
    looked_at: i64,
    last: Option<i64>,
    devices: Vec<i64>,
}

impl Made {
    fn of(row: &tokio_postgres::Row) -> Self {
        Self { looked_at: row.get(0), last: row.get(1), devices: row.get(2) }
    }
}

/// Makes commands of the next devices of the job's first unplanned audience; `None` when every audience is planned. The caller
/// holds the job's lock.
pub async fn plan_chunk(tx: &Tx<'_>, job: JobId, making: Making) -> Result<Option<PlannedChunk>, StoreError> {
    const NEXT: &str = "/* audiences::plan_chunk next */
        SELECT id, kind, planned_to, organisation_id, planned_organisation_id FROM audiences
        WHERE job_id = $1 AND planned_at IS NULL ORDER BY id LIMIT 1";
    const OF_LIST: &str = insert_from!(
        "devices",
        "SELECT d.id, true AS is_free, d.firmware_version AS version_before
         FROM (SELECT u.id FROM audiences a, unnest(a.device_ids) AS u (id)
             WHERE a.id = $6 AND u.id > $2 ORDER BY u.id LIMIT $3) listed JOIN devices d USING (id)"
    );
    // Devices that are busy elsewhere are passed over: "everybody who can join"; pushes keep nobody busy. The limit is on those looked at, so that
    // a chunk is a chunk even when nobody is free. The walk goes by the index on (product_id, id), the test by the one on
    // commands (device_id, job_id).
    const OF_PRODUCT: &str = insert_from!(
        "product",
        "SELECT walked.id, walked.firmware_version AS version_before,
                walked.status <> 'deregistered' AND NOT EXISTS (
                    SELECT FROM commands c WHERE c.device_id = walked.id AND c.job_id <> $1 AND c.finished_at IS NULL
                        AND (SELECT kind FROM jobs WHERE id = c.job_id) <> 'push'
                ) AS is_free
            FROM (SELECT d.id, d.status, d.firmware_version FROM devices d
                WHERE $6::bigint IS NOT NULL AND d.product_id = (SELECT product_id FROM jobs WHERE id = $1) AND d.id > $2
                ORDER BY d.id LIMIT $3) walked"
    );
    let Some(next) = sql::query_opt(tx, NEXT, &[&job.0]).await? else { return Ok(None) };
    let (id, kind, after): (i64, &str, i64) = (next.get(0), next.get(1), next.get(2));
    if let Some(organisation) = next.get::<_, Option<i64>>(3) {
        let from = (OrganisationId(organisation), next.get::<_, Option<i64>>(4), after);
        return Ok(Some(plan_organisation(tx, job, id, from, making).await?));
    }
    let is_range = kind == "product";
    let insert = if is_range { OF_PRODUCT } else { OF_LIST };
    let release_s = making.release.map(|lease| lease.as_secs_f64());
    let made =
        sql::query_one(tx, insert, &[&job.0, &after, &making.limit, &making.retry_limit, &release_s, &id]).await?;
    let made = Made::of(&made);
    advance(tx, id, (None, made.last.unwrap_or(after)), made.looked_at < making.limit).await?;
    Ok(Some(PlannedChunk { devices: made.devices, is_range }))
}

/// Walks the organisations of a subtree by id, and the devices of each by id: the index on both yields them, however the tree is
/// cut. A device that joins, or moves to where the walk has been, is not given the version by this audience.
async fn plan_organisation(
    tx: &Tx<'_>,
    job: JobId,
    audience: i64,
    (root, at, after): (OrganisationId, Option<i64>, i64),
    making: Making,
) -> Result<PlannedChunk, StoreError> {
    // Who runs this version or a newer one already has nothing to do, and neither has who runs another system.
    const OF_ORGANISATION: &str = insert_from!(
        "organisation",
        "SELECT walked.id, COALESCE(NULLIF(a.version_name, ''), a.version_code::text, '') AS version_before,
                walked.status <> 'deregistered' AND walked.os IS NOT DISTINCT FROM g.os
                    AND COALESCE(a.version_code < v.version_code, true) AS is_free
            FROM (SELECT d.id, d.status, d.os FROM devices d
                WHERE d.organisation_id = $6 AND d.id > $2 ORDER BY d.id LIMIT $3) walked
            JOIN jobs j ON j.id = $1 JOIN client_versions v ON v.id = j.client_version_id
            JOIN client_groups g ON g.id = v.group_id
            LEFT JOIN device_apps a ON a.device_id = walked.id AND a.package_name = v.package_name"
    );
    let release_s = making.release.map(|lease| lease.as_secs_f64());
    let following = targets::next_with_devices(tx, root, at.unwrap_or(0), ORGANISATIONS_PER_STEP).await?;
    let is_last_step = i64::try_from(following.len()).is_ok_and(|found| found < ORGANISATIONS_PER_STEP);
    let (mut devices, mut left) = (Vec::new(), making.limit);
    let mut step = at.into_iter().chain(following);
    let (mut current, mut after) = (step.next(), after);
    while let Some(organisation) = current {
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&job.0, &after, &left, &making.retry_limit, &release_s, &organisation];
        let made = Made::of(&sql::query_one(tx, OF_ORGANISATION, &parameters).await?);
        devices.extend(made.devices);
        left -= made.looked_at;
        let next = if left > 0 { step.next() } else { None };
        if next.is_none() && (left == 0 || !is_last_step) {
            // The next step goes on behind the last device of this one.
            after = made.last.unwrap_or(after);
            break;
        }
        (current, after) = (next, 0);
    }
    advance(tx, audience, (current, after), current.is_none()).await?;
    devices.sort_unstable();
    Ok(PlannedChunk { devices, is_range: false })
}

/// Remembers how far an audience has been planned.
async fn advance(
    tx: &Tx<'_>,
    audience: i64,
    (organisation, device): (Option<i64>, i64),
    is_done: bool,
) -> Result<(), StoreError> {
    const SQL: &str = "/* audiences::advance */ UPDATE audiences SET planned_organisation_id = $2, planned_to = $3,
        planned_at = CASE WHEN $4 THEN now() END WHERE id = $1";
    sql::execute(tx, SQL, &[&audience, &organisation, &device, &is_done]).await?;
    Ok(())
}

/// Plans no more of a job that was stopped.
pub async fn close(tx: &Tx<'_>, job: JobId) -> Result<(), StoreError> {
    const SQL: &str =
        "/* audiences::close */ UPDATE audiences SET planned_at = now() WHERE job_id = $1 AND planned_at IS NULL";
    sql::execute(tx, SQL, &[&job.0]).await?;
    Ok(())
}
