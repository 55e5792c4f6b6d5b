//! Open commands that a device's check-in proves or disproves: it says what it runs, and they were to bring a version of that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{DeviceId, JobId};

use crate::{GenericClient, StoreError, sql};

/// A version of a package that a device says it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running<'a> {
    /// What the operating system knows the package by.
    pub package: &'a str,
    /// The version as a number that grows.
    pub version: i64,
}

/// What a check-in says of an open command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The command's job.
    pub job: JobId,
    /// The version's number that it brings.
    pub brought: i64,
    /// The version's number that the device runs.
    pub running: i64,
    /// The attempt that the device is at.
    pub attempt: i16,
}

impl Verdict {
    /// Whether the command was carried out. If not, its device has said that it was.
    pub const fn is_proof(self) -> bool {
        self.running >= self.brought
    }
}

/// Commands judged by one check-in at most: more are rare, what is released last supersedes what it replaces.
const VERDICTS_MAX: i64 = 48;

/// What a device that runs these versions says of its open commands to bring it a version of a client program or a release of an
/// application: those that it proves, and those that had been `verifying` for longer than `patience` when it said so, and are
/// disproven. `said_at` is when, by its own clock; `None`: now. Those that are only planned are not its to know of. A release
/// without a number can be compared with nothing. A program for terminals that hang on a device is never disproven: each of
/// them asks in the device's name, and one that has the old version says nothing against the others.
///
/// By the index on the device, of the newest jobs first; the answer is in the order of jobs, in which every transaction locks.
pub async fn verdicts(
    client: &impl GenericClient,
    device: DeviceId,
    running: &[Running<'_>],
    said_at: Option<DateTime<Utc>>,
    patience: Duration,
) -> Result<Vec<Verdict>, StoreError> {
    // As inbox::open it reads as many rows as the device ever had commands. Everything else is one look-up for each open one.
    const SQL: &str = "/* commands::proof::verdicts */ SELECT job_id, brought, version, attempt FROM (
            SELECT c.job_id, COALESCE(v.version_code, r.version_number)::bigint AS brought, g.version, c.attempt,
                c.state = 'verifying' AND c.updated_at <= LEAST(now(), $6) - make_interval(secs => $4)
                    AND COALESCE(v.is_direct, true) AS is_late
            FROM commands c
            CROSS JOIN LATERAL (SELECT kind, client_version_id, release_id, package_id FROM jobs WHERE id = c.job_id OFFSET 0) j
            LEFT JOIN LATERAL (SELECT package_name, version_code,
                    (SELECT terminal_class = '0' FROM client_groups WHERE id = group_id) AS is_direct FROM client_versions
                WHERE id = j.client_version_id AND j.kind = 'distribute' OFFSET 0) v ON true
            LEFT JOIN LATERAL (SELECT name FROM packages WHERE id = j.package_id AND (SELECT os FROM devices WHERE id = $1)
                IS NOT DISTINCT FROM CASE platform WHEN 1 THEN 51201 ELSE 51202 END OFFSET 0) p ON true
            LEFT JOIN LATERAL (SELECT version_number FROM app_releases
                WHERE id = j.release_id AND version_number > 0 OFFSET 0) r ON true
            JOIN unnest($2::text[], $3::bigint[]) AS g (package, version)
                ON g.package = CASE j.kind WHEN 'distribute' THEN v.package_name WHEN 'push' THEN p.name END
            WHERE c.device_id = $1 AND c.finished_at IS NULL AND c.state <> 'planned'
        ) judged WHERE version >= brought OR version < brought AND is_late ORDER BY job_id DESC LIMIT $5";
    let packages: Vec<&str> = running.iter().map(|running| running.package).collect();
    let versions: Vec<i64> = running.iter().map(|running| running.version).collect();
    let patience_s = patience.as_secs_f64();
    let found =
        sql::query(client, SQL, &[&device.0, &packages, &versions, &patience_s, &VERDICTS_MAX, &said_at]).await?;
    let verdict = |row: &tokio_postgres::Row| Verdict {
        job: JobId(row.get(0)),
        brought: row.get(1),
        running: row.get(2),
        attempt: row.get(3),
    };
    Ok(found.iter().rev().map(verdict).collect())
}
