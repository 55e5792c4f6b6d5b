//! What one device has to do: its open commands, whichever jobs they belong to.

use std::time::Duration;

use drover_domain::{CommandState, DeviceId, JobId};

use crate::{GenericClient, StoreError, rows, sql};

/// A command that is open for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCommand {
    /// The job.
    pub job: JobId,
    /// The present attempt.
    pub attempt: i16,
    /// Where it stands.
    pub state: CommandState,
    /// Until its deadline.
    pub time_left: Duration,
}

/// The commands that are open for a device, of the newest jobs first, `limit` at most. Those that wait for their job, and
/// those in the pause before an attempt, are not the device's to know of yet. A device that was deregistered is told what to
/// remove and what to stop.
pub async fn open(client: &impl GenericClient, device: DeviceId, limit: i64) -> Result<Vec<OpenCommand>, StoreError> {
    // Reads as many rows as the device ever had commands: by the index on device and job, which no change of state writes.
    const SQL: &str = "/* commands::inbox::open */ SELECT job_id, attempt, state,
            GREATEST(EXTRACT(EPOCH FROM deadline_at - now()), 0)::float8 AS seconds_left
        FROM commands WHERE device_id = $1 AND finished_at IS NULL AND state <> 'planned'
            AND (state <> 'queued' OR not_before IS NULL OR not_before <= now())
            AND ((SELECT status FROM devices WHERE id = $1) <> 'deregistered' OR state = 'cancelling'
                OR (SELECT push_action FROM jobs WHERE id = job_id) IN ('uninstall', 'remove'))
        ORDER BY job_id DESC LIMIT $2";
    let open = |row: &tokio_postgres::Row| {
        Ok(OpenCommand {
            job: JobId(row.get("job_id")),
            attempt: row.get("attempt"),
            state: rows::state(row, "state")?,
            time_left: Duration::from_secs_f64(row.get::<_, Option<f64>>("seconds_left").unwrap_or_default()),
        })
    };
    sql::query(client, SQL, &[&device.0, &limit]).await?.iter().map(open).collect()
}

/// Queued commands of devices that nobody was there for, by job: not those in a pause, nor those of a job that is held.
pub async fn waiting(client: &impl GenericClient, devices: &[i64]) -> Result<Vec<(JobId, Vec<i64>)>, StoreError> {
    const SQL: &str =
        "/* commands::inbox::waiting */ SELECT job_id, array_agg(device_id ORDER BY device_id) FROM commands
        WHERE device_id = ANY($1) AND finished_at IS NULL AND state = 'queued'
            AND (not_before IS NULL OR not_before <= now())
            AND (SELECT state FROM jobs WHERE id = job_id) <> 'paused'
        GROUP BY job_id ORDER BY job_id";
    Ok(sql::query(client, SQL, &[&devices]).await?.iter().map(|row| (JobId(row.get(0)), row.get(1))).collect())
}
