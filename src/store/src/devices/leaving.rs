//! Devices that were deregistered and may still log in, to be told what they must remove.

use std::time::Duration;

use drover_domain::DeviceId;

use crate::{GenericClient, StoreError, Tx, sql};

/// Whether the device `d` has something that goes when it leaves, or is at work on it: an application whose newest push brought
/// it to be removed on exit, or an uninstall that has not ended.
macro_rules! has_to_remove {
    () => {
        "EXISTS (SELECT FROM app_installs i
            CROSS JOIN LATERAL (SELECT push_action, assignment_id FROM jobs WHERE id = i.job_id OFFSET 0) j
            LEFT JOIN LATERAL (SELECT removes_on_exit FROM assignments WHERE id = j.assignment_id OFFSET 0) s ON true
            LEFT JOIN LATERAL (SELECT job_id, finished_at, sent_at FROM commands
                WHERE job_id = i.job_id AND device_id = i.device_id OFFSET 0) c ON true
            WHERE i.device_id = d.id AND CASE j.push_action
                WHEN 'install' THEN s.removes_on_exit AND (i.is_installed OR c.finished_at IS NULL AND c.sent_at IS NOT NULL)
                ELSE c.job_id IS NOT NULL AND c.finished_at IS NULL END)"
    };
}

/// Lets a device that was deregistered log in for another `period`, if it has something to remove. Returns whether it has.
pub async fn begin(client: &impl GenericClient, device: DeviceId, period: Duration) -> Result<bool, StoreError> {
    const SQL: &str = concat!(
        "/* devices::leaving::begin */ UPDATE devices d SET leaving_until = now() + make_interval(secs => $2) WHERE d.id = $1 AND ",
        has_to_remove!()
    );
    Ok(sql::execute(client, SQL, &[&device.0, &period.as_secs_f64()]).await? == 1)
}

/// Whether a device that was deregistered may still log in.
pub async fn is_leaving(client: &impl GenericClient, device: DeviceId) -> Result<bool, StoreError> {
    const SQL: &str = "/* devices::leaving::is_leaving */ SELECT EXISTS (SELECT FROM devices WHERE id = $1 AND leaving_until IS NOT NULL)";
    Ok(sql::query_one(client, SQL, &[&device.0]).await?.get(0))
}

/// Some devices that are leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// What those call themselves that have left now: they have nothing more to remove, or their time is over.
    pub left: Vec<String>,
    /// Where the walk goes on; `None`: it is through.
    pub next: Option<i64>,
}

/// Ends the leaving of those of the next `limit` devices after `after` that have left. A device that waits for a review has not
/// been told yet.
pub async fn end(tx: &Tx<'_>, after: i64, limit: i64) -> Result<Leaving, StoreError> {
    const SQL: &str = concat!(
        "/* devices::leaving::end */ WITH walked AS MATERIALIZED (
            SELECT id FROM devices WHERE leaving_until IS NOT NULL AND id > $1 ORDER BY id LIMIT $2
        ), gone AS (
            SELECT d.id FROM walked CROSS JOIN LATERAL (SELECT id, leaving_until FROM devices WHERE id = walked.id
                FOR NO KEY UPDATE SKIP LOCKED) d
            WHERE d.leaving_until <= now()
                OR NOT EXISTS (SELECT FROM device_reviews r WHERE r.device_id = d.id) AND NOT ",
        has_to_remove!(),
        "
        ), ended AS (
            UPDATE devices SET leaving_until = NULL WHERE id = ANY(ARRAY(SELECT id FROM gone)) RETURNING uuid
        ) SELECT ARRAY(SELECT uuid FROM ended), (SELECT count(*) FROM walked), (SELECT max(id) FROM walked)"
    );
    let row = sql::query_one(tx, SQL, &[&after, &limit]).await?;
    let is_full = row.get::<_, i64>(1) >= limit;
    Ok(Leaving { left: row.get(0), next: row.get::<_, Option<i64>>(2).filter(|_| is_full) })
}
