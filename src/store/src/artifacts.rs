//! What a job brings to its devices.

mod application;
mod restriction;

use std::collections::HashMap;

use drover_domain::{ClientVersionId, JobId, JobKind, PushAction};
use tokio_postgres::Row;
use uuid::Uuid;

pub use application::{ApplicationArtifact, ApplicationRemoval, InstallSettings, PackageOfRelease, StoreRelease};
pub use restriction::{ListedApp, RestrictionArtifact, RestrictionRemoval};

use crate::{
    Firmware, GenericClient, Job, StoreError,
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

/// What a job brings; `None` when there is nothing that a device could fetch or be told.
pub async fn of_job(client: &impl GenericClient, job: &Job) -> Result<Option<Artifact>, StoreError> {
    Ok(of_jobs(client, std::slice::from_ref(job)).await?.remove(&job.id))
}

/// What jobs bring, in a few statements however many they are. Those are left out that bring nothing that a device could fetch
/// or be told.
pub async fn of_jobs(client: &impl GenericClient, jobs: &[Job]) -> Result<HashMap<JobId, Artifact>, StoreError> {
    let mut found = HashMap::with_capacity(jobs.len());
    let of = |is: fn(JobKind) -> bool| jobs.iter().filter(|job| is(job.kind)).map(|job| job.id.0).collect::<Vec<_>>();
    let firmware = of(|kind| kind == JobKind::Firmware);
    if !firmware.is_empty() {
        firmwares(client, &firmware, &mut found).await?;
    }
    let clients = of(|kind| matches!(kind, JobKind::Publish | JobKind::Distribute));
    if !clients.is_empty() {
        client_versions(client, &clients, &mut found).await?;
    }
    let pushed = of(|kind| kind == JobKind::Push);
    if !pushed.is_empty() {
        pushes(client, &pushed, &mut found).await?;
    }
    Ok(found)
}

type Found = HashMap<JobId, Artifact>;

/// The job that a row is about.
fn job_of(row: &Row) -> JobId {
    JobId(row.get("job_id"))
}

async fn firmwares(client: &impl GenericClient, jobs: &[i64], found: &mut Found) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "/* artifacts::of_jobs firmware */ SELECT j.id AS job_id, ",
        firmware_columns!(),
        " FROM jobs j JOIN firmwares f ON f.id = j.firmware_id WHERE j.id = ANY($1)"
    );
    let rows = sql::query(client, SQL, &[&jobs]).await?;
    found.extend(rows.iter().map(|row| (job_of(row), Artifact::Firmware(Box::new(rows::firmware(row))))));
    Ok(())
}

async fn client_versions(client: &impl GenericClient, jobs: &[i64], found: &mut Found) -> Result<(), StoreError> {
    const SQL: &str = "/* artifacts::of_jobs client */ SELECT j.id AS job_id, v.id, v.package_name, v.version_code,
            v.version_name, v.app_name, f.id AS file_id, f.size_bytes, f.sha256, f.md5, j.force
        FROM jobs j JOIN client_versions v ON v.id = j.client_version_id JOIN files f ON f.id = v.file_id
        WHERE j.id = ANY($1)";
    let artifact = |row: &Row| {
        Artifact::Client(Box::new(ClientArtifact {
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
        }))
    };
    found.extend(sql::query(client, SQL, &[&jobs]).await?.iter().map(|row| (job_of(row), artifact(row))));
    Ok(())
}

async fn pushes(client: &impl GenericClient, jobs: &[i64], found: &mut Found) -> Result<(), StoreError> {
    const SQL: &str = "/* artifacts::of_jobs push */ SELECT id AS job_id, push_action FROM jobs
        WHERE id = ANY($1) AND kind = 'push'";
    let mut by_action: HashMap<PushAction, Vec<i64>> = HashMap::new();
    for row in sql::query(client, SQL, &[&jobs]).await? {
        by_action.entry(rows::word(&row, "push_action", PushAction::parse)?).or_default().push(job_of(&row).0);
    }
    for (action, jobs) in by_action {
        found.extend(match action {
            PushAction::Install => application::of_jobs(client, &jobs).await?,
            PushAction::Uninstall => application::removals_of_jobs(client, &jobs).await?,
            PushAction::Apply => restriction::of_jobs(client, &jobs).await?,
            PushAction::Remove => restriction::removals_of_jobs(client, &jobs).await?,
        });
    }
    Ok(())
}
