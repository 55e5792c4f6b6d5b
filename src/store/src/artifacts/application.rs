//! What the push of an application brings.

use drover_domain::{ApplicationId, JobId};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Artifact, job_of};
use crate::{GenericClient, StoreError, sql};

/// A release of an application, as its devices need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationArtifact {
    /// The application.
    pub application: ApplicationId,
    /// Its name.
    pub name: String,
    /// What the operating system knows it by.
    pub package_name: String,
    /// The version as people read it.
    pub version_name: String,
    /// The version as the package says.
    pub version_code: String,
    /// The lowest version of the operating system; empty when nothing is said.
    pub min_os_version: String,
    /// Its file; `None` of an application of the store.
    pub file: Option<PackageOfRelease>,
    /// Where the store has it.
    pub store: Option<StoreRelease>,
    /// How it is installed and kept.
    pub settings: InstallSettings,
}

/// The file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageOfRelease {
    /// The file.
    pub file: Uuid,
    /// The name to download it under.
    pub file_name: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// MD5, lower-case hexadecimal.
    pub md5: String,
}

/// An application of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRelease {
    /// Its number there.
    pub itunes_store_id: i64,
    /// Its page there.
    pub url: String,
}

/// How an application is installed and kept: what its assignment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent settings, each a column")]
pub struct InstallSettings {
    /// Installed at once, or on demand.
    pub is_required: bool,
    /// Whether the device's user is told.
    pub is_notified: bool,
    /// Whether it is brought back.
    pub is_essential: bool,
    /// Whether it goes when the device leaves.
    pub removes_on_exit: bool,
    /// Wi-Fi alone.
    pub wifi_only: bool,
    /// Into the Knox container.
    pub into_knox: bool,
    /// Kept out of backups.
    pub prevents_backup: bool,
    /// The policy's settings as they are now.
    pub policy: Option<Map<String, Value>>,
}

/// An application to be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRemoval {
    /// The application.
    pub application: ApplicationId,
    /// What the operating system knows it by.
    pub package_name: String,
}

/// What installs bring; those are left out whose release has neither file nor address any more.
pub(super) async fn of_jobs(client: &impl GenericClient, jobs: &[i64]) -> Result<Vec<(JobId, Artifact)>, StoreError> {
    const SQL: &str =
        "/* artifacts::application::of_jobs */ SELECT j.id AS job_id, a.id, a.name, p.name AS package_name, r.version_name,
            r.version_code, COALESCE(NULLIF(a.os_version, ''), r.min_os_version) AS min_os_version,
            f.id AS file_id, COALESCE(r.file_name, '') AS file_name, f.size_bytes, f.sha256, f.md5,
            a.itunes_store_id, r.source_url, s.is_required, s.is_notified, s.is_essential, s.removes_on_exit,
            s.wifi_only, s.into_knox, s.prevents_backup, policy.settings
        FROM jobs j JOIN applications a ON a.id = j.application_id JOIN packages p ON p.id = j.package_id
        JOIN app_releases r ON r.id = j.release_id JOIN assignments s ON s.id = j.assignment_id
        LEFT JOIN files f ON f.id = r.file_id LEFT JOIN app_policies policy ON policy.id = s.policy_id
        WHERE j.id = ANY($1)";
    let found = sql::query(client, SQL, &[&jobs]).await?;
    Ok(found.iter().filter_map(|row| Some((job_of(row), brought(row)?))).collect())
}

fn brought(row: &Row) -> Option<Artifact> {
    let file = row.get::<_, Option<Uuid>>("file_id").map(|file| PackageOfRelease {
        file,
        file_name: row.get("file_name"),
        size_bytes: row.get("size_bytes"),
        sha256: row.get("sha256"),
        md5: row.get("md5"),
    });
    let store = row.get::<_, Option<i64>>("itunes_store_id").zip(row.get("source_url"));
    let store = store.map(|(itunes_store_id, url)| StoreRelease { itunes_store_id, url });
    if file.is_none() && store.is_none() {
        return None;
    }
    let policy = match row.get::<_, Option<Value>>("settings") {
        Some(Value::Object(settings)) => Some(settings),
        _ => None,
    };
    Some(Artifact::Application(Box::new(ApplicationArtifact {
        application: ApplicationId(row.get("id")),
        name: row.get("name"),
        package_name: row.get("package_name"),
        version_name: row.get("version_name"),
        version_code: row.get("version_code"),
        min_os_version: row.get("min_os_version"),
        file,
        store,
        settings: InstallSettings {
            is_required: row.get("is_required"),
            is_notified: row.get("is_notified"),
            is_essential: row.get("is_essential"),
            removes_on_exit: row.get("removes_on_exit"),
            wifi_only: row.get("wifi_only"),
            into_knox: row.get("into_knox"),
            prevents_backup: row.get("prevents_backup"),
            policy,
        },
    })))
}

/// What uninstalls take away.
pub(super) async fn removals_of_jobs(
    client: &impl GenericClient,
    jobs: &[i64],
) -> Result<Vec<(JobId, Artifact)>, StoreError> {
    const SQL: &str = "/* artifacts::application::removals_of_jobs */ SELECT j.id AS job_id, j.application_id, p.name
        FROM jobs j JOIN packages p ON p.id = j.package_id WHERE j.id = ANY($1)";
    let removal = |row: &Row| {
        let (application, package_name) = (ApplicationId(row.get("application_id")), row.get("name"));
        Artifact::ApplicationRemoval(Box::new(ApplicationRemoval { application, package_name }))
    };
    Ok(sql::query(client, SQL, &[&jobs]).await?.iter().map(|row| (job_of(row), removal(row))).collect())
}
