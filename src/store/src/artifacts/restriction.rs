//! What the push of a black or white list brings.

use drover_domain::{JobId, RestrictionId, RestrictionType};
use tokio_postgres::Row;

use super::{Artifact, job_of};
use crate::{GenericClient, StoreError, records::UnknownWord, sql};

/// A list, as its devices need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictionArtifact {
    /// The list.
    pub restriction: RestrictionId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: RestrictionType,
    /// Grows with each change. What devices are told is the list as it is when they are told, of that revision.
    pub revision: i32,
    /// What is on it.
    pub applications: Vec<ListedApp>,
}

/// An application on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedApp {
    /// What the operating system knows it by.
    pub package_name: String,
    /// Its name.
    pub name: String,
}

/// A list to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestrictionRemoval {
    /// The list.
    pub restriction: RestrictionId,
}

/// Applications on one list.
const LISTED_MAX: i64 = 500;

/// What applies bring, in one statement: a list that is being changed is told as it was or as it is.
pub(super) async fn of_jobs(client: &impl GenericClient, jobs: &[i64]) -> Result<Vec<(JobId, Artifact)>, StoreError> {
    const SQL: &str = "/* artifacts::restriction::of_jobs */ SELECT j.id AS job_id, r.id, r.name, r.type, r.revision,
            ARRAY(SELECT package_name FROM restriction_apps WHERE restriction_id = r.id
                ORDER BY position, package_name LIMIT $2) AS packages,
            ARRAY(SELECT app_name FROM restriction_apps WHERE restriction_id = r.id
                ORDER BY position, package_name LIMIT $2) AS names
        FROM jobs j JOIN restrictions r ON r.id = j.restriction_id WHERE j.id = ANY($1)";
    let found = sql::query(client, SQL, &[&jobs, &LISTED_MAX]).await?;
    found.iter().map(|row| Ok((job_of(row), list(row)?))).collect()
}

fn list(row: &Row) -> Result<Artifact, UnknownWord> {
    let (packages, names): (Vec<String>, Vec<String>) = (row.get("packages"), row.get("names"));
    let applications = packages.into_iter().zip(names).map(|(package_name, name)| ListedApp { package_name, name });
    let code: i16 = row.get("type");
    let unknown = || UnknownWord { column: "type", word: code.to_string() };
    Ok(Artifact::Restriction(Box::new(RestrictionArtifact {
        restriction: RestrictionId(row.get("id")),
        name: row.get("name"),
        kind: RestrictionType::from_code(code).ok_or_else(unknown)?,
        revision: row.get("revision"),
        applications: applications.collect(),
    })))
}

/// What removals take away.
pub(super) async fn removals_of_jobs(
    client: &impl GenericClient,
    jobs: &[i64],
) -> Result<Vec<(JobId, Artifact)>, StoreError> {
    const SQL: &str = "/* artifacts::restriction::removals_of_jobs */ SELECT id AS job_id, restriction_id FROM jobs
        WHERE id = ANY($1)";
    let removal = |row: &Row| {
        Artifact::RestrictionRemoval(RestrictionRemoval { restriction: RestrictionId(row.get("restriction_id")) })
    };
    Ok(sql::query(client, SQL, &[&jobs]).await?.iter().map(|row| (job_of(row), removal(row))).collect())
}
