//! Commands are let go, and what they take the place of.

use std::time::Duration;

use drover_domain::{CommandId, DeviceId, JobId};

use super::Devices;
use crate::{GenericClient, StoreError, Tx, sql};

/// A chunk of commands that was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedChunk {
    /// The first device looked at.
    pub first: i64,
    /// The last device looked at.
    pub last: i64,
    /// Devices looked at.
    pub looked_at: i64,
    /// Commands let go.
    pub released: i64,
}

/// The next `limit` devices of a job after `after`: the first, the last, and how many; `None` when there is none.
pub async fn chunk_after(
    client: &impl GenericClient,
    job: JobId,
    after: i64,
    limit: i64,
) -> Result<Option<(i64, i64, i64)>, StoreError> {
    const SQL: &str = "/* commands::chunk_after */ SELECT min(device_id), max(device_id), count(*) FROM (
        SELECT device_id FROM commands WHERE job_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3) chunk";
    let chunk = sql::query_one(client, SQL, &[&job.0, &after, &limit]).await?;
    let ends: (Option<i64>, Option<i64>) = (chunk.get(0), chunk.get(1));
    Ok(ends.0.zip(ends.1).map(|(first, last)| (first, last, chunk.get(2))))
}

/// Lets the planned commands among the next `limit` devices after `after` go; `None` when there is no further device. They
/// are the dispatcher's for `lease`. The caller holds the job's lock.
pub async fn release_chunk(
    tx: &Tx<'_>,
    job: JobId,
    after: i64,
    limit: i64,
    (retry_limit, lease): (i16, Duration),
) -> Result<Option<ReleasedChunk>, StoreError> {
    const RELEASE: &str = "/* commands::release_chunk */ UPDATE commands SET state = 'queued', prior_state = state,
            retries_left = $4, deadline_at = now() + make_interval(secs => $5), updated_at = now()
        WHERE job_id = $1 AND device_id BETWEEN $2 AND $3 AND state = 'planned'";
    let Some((first, last, looked_at)) = chunk_after(tx, job, after, limit).await? else { return Ok(None) };
    let released = sql::execute(tx, RELEASE, &[&job.0, &first, &last, &retry_limit, &lease.as_secs_f64()]).await?;
    Ok(Some(ReleasedChunk { first, last, looked_at, released: released.cast_signed() }))
}

/// The devices from `first` to `last` whose commands of `job` are planned, and that a job of the same line which was started later
/// has given something that they have or may still get: the newest word was said while this one was held.
pub async fn overtaken(
    client: &impl GenericClient,
    job: JobId,
    (first, last): (i64, i64),
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* commands::overtaken */ SELECT c.device_id FROM commands c
        WHERE c.job_id = $1 AND c.device_id BETWEEN $2 AND $3 AND c.state = 'planned' AND EXISTS (
            SELECT FROM commands newer CROSS JOIN LATERAL (
                SELECT kind, client_group_id, package_id, restriction_id, started_at FROM jobs WHERE id = newer.job_id OFFSET 0) j
            WHERE newer.device_id = c.device_id AND newer.job_id <> $1 AND newer.state <> 'planned'
                AND (newer.finished_at IS NULL OR newer.state = 'succeeded')
                AND ROW(j.kind, j.client_group_id, j.package_id, j.restriction_id) IS NOT DISTINCT FROM
                    (SELECT ROW(kind, client_group_id, package_id, restriction_id) FROM jobs WHERE id = $1)
                AND (j.started_at, newer.job_id) > (SELECT started_at, id FROM jobs WHERE id = $1) OFFSET 0)
        ORDER BY c.device_id";
    let found = sql::query(client, SQL, &[&job.0, &first, &last]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Commands of other jobs of the same line (the same kind, and the same client program, package or list) that are still out for the devices to
/// which a chunk of `job` is released: what is released last is the newest word. Those that are only planned have their turn when they are released.
pub async fn outdated(
    client: &impl GenericClient,
    job: JobId,
    devices: &Devices,
) -> Result<Vec<CommandId>, StoreError> {
    macro_rules! older {
        ($name:literal, $devices:literal) => {
            concat!(
                "/* commands::outdated ",
                $name,
                " */ SELECT older.job_id, older.device_id FROM commands c JOIN commands older ON older.device_id = c.device_id
                 WHERE c.job_id = $1 AND c.state = 'queued' AND c.",
                $devices,
                " AND older.job_id <> $1 AND older.finished_at IS NULL AND older.state <> 'planned'
                   AND (SELECT ROW(kind, client_group_id, package_id, restriction_id) FROM jobs WHERE id = older.job_id)
                       IS NOT DISTINCT FROM (SELECT ROW(kind, client_group_id, package_id, restriction_id) FROM jobs WHERE id = $1)
                 ORDER BY older.job_id, older.device_id"
            )
        };
    }
    const IN_RANGE: &str = older!("range", "device_id BETWEEN $2 AND $3");
    const IN_LIST: &str = older!("list", "device_id = ANY($2)");
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids]).await?,
    };
    Ok(found.iter().map(|row| CommandId { job: JobId(row.get(0)), device: DeviceId(row.get(1)) }).collect())
}
