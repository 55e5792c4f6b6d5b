//! Who was asked for, and the commands made of it: fan-out inside the database.

use std::time::Duration;

use drover_domain::{DeviceId, JobId};

use crate::{GenericClient, StoreError, Tx, sql};

/// Who a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// These devices, ascending.
    Devices(Vec<DeviceId>),
    /// Every device of the job's product that has no open command.
    Product,
}

/// Notes who is asked for.
pub async fn insert(tx: &Tx<'_>, job: JobId, audience: &Audience, created_by: &str) -> Result<(), StoreError> {
    const SQL: &str = "/* audiences::insert */ INSERT INTO audiences (job_id, kind, device_ids, created_by)
        VALUES ($1, $2, $3, $4)";
    let (kind, devices) = match audience {
        Audience::Devices(devices) => ("devices", Some(devices.iter().map(|device| device.0).collect::<Vec<_>>())),
        Audience::Product => ("product", None),
    };
    sql::execute(tx, SQL, &[&job.0, &kind, &devices, &created_by]).await?;
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

/// Makes commands of the next `limit` devices of the job's first unplanned audience; `None` when every audience is planned.
/// With `release`, the job runs already: they are the dispatcher's for that long. The caller holds the job's lock.
pub async fn plan_chunk(
    tx: &Tx<'_>,
    job: JobId,
    retry_limit: i16,
    limit: i64,
    release: Option<Duration>,
) -> Result<Option<PlannedChunk>, StoreError> {
    const NEXT: &str = "/* audiences::plan_chunk next */ SELECT id, kind, planned_to FROM audiences
        WHERE job_id = $1 AND planned_at IS NULL ORDER BY id LIMIT 1";
    macro_rules! insert_from {
        ($name:literal, $chosen:literal) => {
            concat!(
                "/* audiences::plan_chunk ",
                $name,
                " */ WITH chosen AS (",
                $chosen,
                "), made AS (
                    INSERT INTO commands (job_id, device_id, retries_left, version_before, state, deadline_at)
                    SELECT $1, d.id, $5, d.firmware_version, CASE WHEN $6::float8 IS NULL THEN 'planned' ELSE 'queued' END,
                        now() + make_interval(secs => $6)
                    FROM chosen JOIN devices d USING (id)
                    WHERE chosen.is_free
                    ON CONFLICT (job_id, device_id) DO NOTHING RETURNING device_id
                ) SELECT (SELECT count(*) FROM chosen), (SELECT max(id) FROM chosen),
                    ARRAY(SELECT device_id FROM made ORDER BY device_id)"
            )
        };
    }
    const OF_LIST: &str = insert_from!(
        "devices",
        "SELECT u.id, true AS is_free FROM audiences a, unnest(a.device_ids) AS u (id) WHERE a.id = $2 AND u.id > $3 ORDER BY u.id LIMIT $4"
    );
    // Devices that are busy elsewhere are passed over: "everybody who can join". The limit is on those looked at, so that
    // a chunk is a chunk even when nobody is free. The walk goes by the index on (product_id, id), the test by the one on
    // commands (device_id, job_id).
    const OF_PRODUCT: &str = insert_from!(
        "product",
        "SELECT walked.id, walked.status <> 'deregistered' AND NOT EXISTS (
                SELECT FROM commands c WHERE c.device_id = walked.id AND c.job_id <> $1 AND c.finished_at IS NULL) AS is_free
            FROM (SELECT d.id, d.status FROM devices d
                WHERE $2::bigint IS NOT NULL AND d.product_id = (SELECT product_id FROM jobs WHERE id = $1) AND d.id > $3
                ORDER BY d.id LIMIT $4) walked"
    );
    const ADVANCE: &str = "/* audiences::plan_chunk advance */ UPDATE audiences SET planned_to = $2,
        planned_at = CASE WHEN $3 THEN now() END WHERE id = $1";
    let Some(next) = sql::query_opt(tx, NEXT, &[&job.0]).await? else { return Ok(None) };
    let (id, kind, after): (i64, &str, i64) = (next.get(0), next.get(1), next.get(2));
    let is_range = kind == "product";
    let insert = if is_range { OF_PRODUCT } else { OF_LIST };
    let release_s = release.map(|lease| lease.as_secs_f64());
    let made = sql::query_one(tx, insert, &[&job.0, &id, &after, &limit, &retry_limit, &release_s]).await?;
    let (chosen, last): (i64, Option<i64>) = (made.get(0), made.get(1));
    sql::execute(tx, ADVANCE, &[&id, &last.unwrap_or(after), &(chosen < limit)]).await?;
    Ok(Some(PlannedChunk { devices: made.get(2), is_range }))
}

/// Plans no more of a job that was stopped.
pub async fn close(tx: &Tx<'_>, job: JobId) -> Result<(), StoreError> {
    const SQL: &str =
        "/* audiences::close */ UPDATE audiences SET planned_at = now() WHERE job_id = $1 AND planned_at IS NULL";
    sql::execute(tx, SQL, &[&job.0]).await?;
    Ok(())
}
