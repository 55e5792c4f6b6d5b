//! Timers: which devices of which job have a deadline to come, without an index on what changes.
//!
//! Every open command that has a deadline is covered by a timer that fires no later. Moving a deadline further away needs
//! nothing; bringing it nearer needs a new timer.

use std::time::Duration;

use drover_domain::JobId;

use crate::{GenericClient, StoreError, Tx, commands::Devices, sql};

/// A timer that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// The row.
    pub id: i64,
    /// The job.
    pub job: JobId,
    /// Who is to be looked at.
    pub devices: Devices,
}

/// Sets a timer.
pub async fn insert(tx: &Tx<'_>, job: JobId, devices: &Devices, after: Duration) -> Result<(), StoreError> {
    const SQL: &str = "/* timers::insert */ INSERT INTO timers (job_id, first_device, last_device, device_ids, fire_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))";
    let (first, last, ids) = match devices {
        Devices::Range(first, last) => (*first, *last, None),
        Devices::List(ids) => {
            let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
            (*first, *last, Some(ids))
        }
    };
    sql::execute(tx, SQL, &[&job.0, &first, &last, &ids, &after.as_secs_f64()]).await?;
    Ok(())
}

/// A timer that has fired and that nobody else holds, locked until the transaction ends.
pub async fn claim_fired(tx: &Tx<'_>) -> Result<Option<Timer>, StoreError> {
    const SQL: &str = "/* timers::claim_fired */ SELECT id, job_id, first_device, last_device, device_ids FROM timers
        WHERE fire_at <= now() ORDER BY fire_at LIMIT 1 FOR UPDATE SKIP LOCKED";
    Ok(sql::query_opt(tx, SQL, &[]).await?.map(|row| Timer {
        id: row.get(0),
        job: JobId(row.get(1)),
        devices: row
            .get::<_, Option<Vec<i64>>>(4)
            .map_or_else(|| Devices::Range(row.get(2), row.get(3)), Devices::List),
    }))
}

/// Sets a fired timer to the next deadline among its devices, or removes it when none is left.
pub async fn rearm(tx: &Tx<'_>, timer: &Timer) -> Result<(), StoreError> {
    macro_rules! next_deadline {
        ($devices:literal) => {
            concat!(
                "/* timers::rearm */ UPDATE timers SET fire_at = next.deadline_at FROM (
                    SELECT min(deadline_at) AS deadline_at FROM commands WHERE job_id = $2 AND ",
                $devices,
                ") next WHERE timers.id = $1 AND next.deadline_at IS NOT NULL"
            )
        };
    }
    const IN_RANGE: &str = next_deadline!("device_id BETWEEN $3 AND $4");
    const IN_LIST: &str = next_deadline!("device_id = ANY($3)");
    const DELETE: &str = "/* timers::rearm delete */ DELETE FROM timers WHERE id = $1";
    let rearmed = match &timer.devices {
        Devices::Range(first, last) => sql::execute(tx, IN_RANGE, &[&timer.id, &timer.job.0, first, last]).await?,
        Devices::List(ids) => sql::execute(tx, IN_LIST, &[&timer.id, &timer.job.0, ids]).await?,
    };
    if rearmed == 0 {
        sql::execute(tx, DELETE, &[&timer.id]).await?;
    }
    Ok(())
}

/// Rings every timer of a job.
pub async fn ring(tx: &Tx<'_>, job: JobId) -> Result<(), StoreError> {
    const SQL: &str = "/* timers::ring */ UPDATE timers SET fire_at = now() WHERE job_id = $1 AND fire_at > now()";
    sql::execute(tx, SQL, &[&job.0]).await?;
    Ok(())
}

/// Rings those timers of a job that have to do with any device from `first` to `last`. Before the commands are locked, as by
/// whoever serves a timer; of one that is being served, its end is waited for.
pub async fn ring_between(tx: &Tx<'_>, job: JobId, first: i64, last: i64) -> Result<(), StoreError> {
    const SQL: &str = "/* timers::ring_between */ UPDATE timers SET fire_at = LEAST(fire_at, now())
        WHERE id = ANY(ARRAY(SELECT id FROM timers
            WHERE job_id = $1 AND first_device <= $3 AND last_device >= $2 ORDER BY id FOR UPDATE))";
    sql::execute(tx, SQL, &[&job.0, &first, &last]).await?;
    Ok(())
}

/// Puts off a timer that cannot be served, so that it does not keep the others waiting.
pub async fn put_off(client: &impl GenericClient, id: i64, pause: Duration) -> Result<(), StoreError> {
    const SQL: &str =
        "/* timers::put_off */ UPDATE timers SET fire_at = now() + make_interval(secs => $2) WHERE id = $1";
    sql::execute(client, SQL, &[&id, &pause.as_secs_f64()]).await?;
    Ok(())
}
