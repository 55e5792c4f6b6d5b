//! What a job brings to its devices.

mod application;
mod restriction;

use drover_domain::{ClientVersionId, JobId, PushAction};
use uuid::Uuid;

pub use application::{ApplicationArtifact, ApplicationRemoval, InstallSettings, PackageOfRelease, StoreRelease};
pub use restriction::{ListedApp, RestrictionArtifact, RestrictionRemoval};

use crate::{
    Firmware, GenericClient, StoreError,
    rows::{self, firmware_columns},
    sql,
};

/// What a job brings to its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// A firmware.
    Firmware(Box<Firmware>),
    /// A version of a client program.
    Client(Box<ClientArtifact>),
    /// A release of an application.
    Application(Box<ApplicationArtifact>),
    /// Nothing: it takes an application away.
    ApplicationRemoval(Box<ApplicationRemoval>),
    /// A black or white list.
    Restriction(Box<RestrictionArtifact>),
    /// Nothing: it takes a list away.
    RestrictionRemoval(RestrictionRemoval),
}

/// A version of a client program, as its devices need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientArtifact {
    /// The version.
    pub version: ClientVersionId,
    /// The program.
    pub package_name: String,
    /// The version as a number that grows.
    pub version_code: i32,
    /// The version as people read it.
    pub version_name: String,
    /// The name to download it under.
    pub app_name: String,
    /// Its file.
    pub file: Uuid,
    /// Length in bytes.
    pub size_bytes: i64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// MD5, lower-case hexadecimal.
    pub md5: String,
    /// Whether the user of a device may not put it off.
    pub force: bool,
}

/// What a job brings; `None` when there is no such job, or nothing that a device could fetch.
pub async fn of_job(client: &impl GenericClient, job: JobId) -> Result<Option<Artifact>, StoreError> {
    const FIRMWARE: &str = concat!(
        "/* artifacts::of_job firmware */ SELECT ",
        firmware_columns!(),
        " FROM jobs j JOIN firmwares f ON f.id = j.firmware_id WHERE j.id = $1"
    );
    const CLIENT: &str = "/* artifacts::of_job client */ SELECT v.id, v.package_name, v.version_code, v.version_name,
            v.app_name, f.id AS file_id, f.size_bytes, f.sha256, f.md5, j.force
        FROM jobs j JOIN client_versions v ON v.id = j.client_version_id JOIN files f ON f.id = v.file_id
        WHERE j.id = $1";
    const PUSH: &str = "/* artifacts::of_job push */ SELECT push_action FROM jobs WHERE id = $1 AND kind = 'push'";
    if let Some(row) = sql::query_opt(client, FIRMWARE, &[&job.0]).await? {
        return Ok(Some(Artifact::Firmware(Box::new(rows::firmware(&row)))));
    }
    if let Some(row) = sql::query_opt(client, PUSH, &[&job.0]).await? {
        return Ok(match rows::word(&row, "push_action", PushAction::parse)? {
            PushAction::Install => application::of_job(client, job).await?,
            PushAction::Uninstall => application::removal_of_job(client, job).await?,
            PushAction::Apply => restriction::of_job(client, job).await?,
            PushAction::Remove => restriction::removal_of_job(client, job).await?,
        });
    }
    let Some(row) = sql::query_opt(client, CLIENT, &[&job.0]).await? else { return Ok(None) };
    Ok(Some(Artifact::Client(Box::new(ClientArtifact {
        version: ClientVersionId(row.get("id")),
        package_name: row.get("package_name"),
        version_code: row.get("version_code"),
        version_name: row.get("version_name"),
        app_name: row.get("app_name"),
        file: row.get("file_id"),
        size_bytes: row.get("size_bytes"),
        sha256: row.get("sha256"),
        md5: row.get("md5"),
        force: row.get("force"),
    }))))
}
