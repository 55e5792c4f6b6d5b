//! Deadlines of commands: which have passed, and those that are moved without an event.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{CommandState, JobId};

use super::Devices;
use crate::{GenericClient, StoreError, Tx, rows, sql};

/// A command whose deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The device.
    pub device: i64,
    /// The present attempt.
    pub attempt: i16,
    /// The present state.
    pub state: CommandState,
}

/// The commands among `devices` whose deadline has passed, by device.
pub async fn due(client: &impl GenericClient, job: JobId, devices: &Devices) -> Result<Vec<Due>, StoreError> {
    const IN_RANGE: &str = "/* commands::due range */ SELECT device_id, attempt, state FROM commands
        WHERE job_id = $1 AND device_id BETWEEN $2 AND $3 AND deadline_at <= now() ORDER BY device_id";
    const IN_LIST: &str = "/* commands::due list */ SELECT device_id, attempt, state FROM commands
        WHERE job_id = $1 AND device_id = ANY($2) AND deadline_at <= now() ORDER BY device_id";
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids]).await?,
    };
    let due = |row: &tokio_postgres::Row| {
        Ok(Due { device: row.get(0), attempt: row.get(1), state: rows::state(row, "state")? })
    };
    found.iter().map(due).collect()
}

/// Gives queued commands that are due to the dispatcher for another `lease`, or for longer the longer they have waited, up
/// to `max_lease`: nobody listens for a device that is away, and asking each minute for days would only keep the tables busy.
/// Returns the devices whose command it was.
pub async fn lease_again(
    tx: &Tx<'_>,
    job: JobId,
    attempt: i16,
    devices: &[i64],
    (lease, max_lease): (Duration, Duration),
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str =
        "/* commands::lease_again */ UPDATE commands SET deadline_at = now() + GREATEST(make_interval(secs => $4),
            LEAST((now() - updated_at) / 2, make_interval(secs => $5)))
        WHERE job_id = $1 AND device_id = ANY($2) AND attempt = $3 AND state = 'queued' AND deadline_at <= now()
        RETURNING device_id";
    let found =
        sql::query(tx, SQL, &[&job.0, &devices, &attempt, &lease.as_secs_f64(), &max_lease.as_secs_f64()]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Lets queued commands that are due wait for as long as their job is held: until its time is over, or for another `look`, after
/// which they are looked at again. When the job goes on they are made due by [`make_queued_due_before`].
pub async fn hold(tx: &Tx<'_>, job: JobId, devices: &[i64], look: Duration) -> Result<(), StoreError> {
    const SQL: &str = "/* commands::hold */ UPDATE commands
        SET deadline_at = LEAST(now() + make_interval(secs => $3), (SELECT expires_at FROM jobs WHERE id = $1))
        WHERE job_id = $1 AND device_id = ANY($2) AND state = 'queued' AND deadline_at <= now()";
    sql::execute(tx, SQL, &[&job.0, &devices, &look.as_secs_f64()]).await?;
    Ok(())
}

/// Makes the commands from `first` to `last` due that were queued before the job went on, as soon as their pause allows. The
/// caller has rung their timers.
pub async fn make_queued_due_before(
    tx: &Tx<'_>,
    job: JobId,
    (first, last): (i64, i64),
    resumed_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str =
        "/* commands::make_queued_due_before */ UPDATE commands SET deadline_at = GREATEST(now(), not_before)
        WHERE job_id = $1 AND device_id BETWEEN $2 AND $3 AND state = 'queued' AND updated_at < $4
            AND deadline_at > GREATEST(now(), not_before)";
    sql::execute(tx, SQL, &[&job.0, &first, &last, &resumed_at]).await?;
    Ok(())
}

/// Makes the queued commands among the next `limit` devices after `after` due as soon as their pause allows: for a broker
/// that has kept nothing.
/// Returns the last device looked at, `None` when there is no further one.
pub async fn make_queued_due(tx: &Tx<'_>, job: JobId, after: i64, limit: i64) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "/* commands::make_queued_due */ WITH chunk AS (
            SELECT device_id, state FROM commands WHERE job_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3
        ), due AS (
            UPDATE commands SET deadline_at = GREATEST(now(), not_before)
            WHERE job_id = $1 AND state = 'queued' AND deadline_at > GREATEST(now(), not_before)
                AND device_id = ANY(ARRAY(SELECT device_id FROM chunk WHERE state = 'queued'))
        ) SELECT max(device_id) FROM chunk";
    Ok(sql::query_one(tx, SQL, &[&job.0, &after, &limit]).await?.get(0))
}

/// Brings the deadline of queued commands to `after` from now, unless it is nearer or they are in a pause: their devices have
/// turned up. What was released just now is left to its dispatcher for `handover`. The caller sets a timer for the devices
/// that are returned.
pub async fn bring_forward(
    tx: &Tx<'_>,
    job: JobId,
    devices: &[i64],
    (after, handover): (Duration, Duration),
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* commands::bring_forward */ UPDATE commands
        SET deadline_at = GREATEST(now() + make_interval(secs => $3), updated_at + make_interval(secs => $4))
        WHERE job_id = $1 AND device_id = ANY($2) AND state = 'queued'
            AND deadline_at > GREATEST(now() + make_interval(secs => $3), updated_at + make_interval(secs => $4))
            AND (not_before IS NULL OR not_before <= now())
        RETURNING device_id";
    let found = sql::query(tx, SQL, &[&job.0, &devices, &after.as_secs_f64(), &handover.as_secs_f64()]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}
