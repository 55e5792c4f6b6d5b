//! Open commands that a device's check-in proves.

use drover_domain::{DeviceId, JobId};

use crate::{GenericClient, StoreError, sql};

/// A job whose command a check-in proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The job.
    pub job: JobId,
    /// The version's number that it brought.
    pub version_code: i32,
}

/// Open commands proven by one check-in at most: more than one is rare, what is released last supersedes what it replaces.
const PROVEN_MAX: i64 = 16;

/// The jobs that have an open command to bring the device a version of a program which is not newer than the one it runs. By
/// the index on the device, newest job first.
pub async fn proven(
    client: &impl GenericClient,
    device: DeviceId,
    package: &str,
    version_code: i64,
) -> Result<Vec<Proven>, StoreError> {
    const SQL: &str = "/* proof::proven */ SELECT c.job_id, v.version_code FROM commands c
        JOIN jobs j ON j.id = c.job_id JOIN client_versions v ON v.id = j.client_version_id
        WHERE c.device_id = $1 AND c.finished_at IS NULL AND c.state <> 'planned' AND j.kind = 'distribute'
            AND v.package_name = $2 AND v.version_code <= $3::bigint
        ORDER BY c.job_id DESC LIMIT $4";
    let found = sql::query(client, SQL, &[&device.0, &package, &version_code, &PROVEN_MAX]).await?;
    Ok(found.iter().map(|row| Proven { job: JobId(row.get(0)), version_code: row.get(1) }).collect())
}
