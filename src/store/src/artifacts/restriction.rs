//! What the push of a black or white list brings.

use drover_domain::{JobId, RestrictionId, RestrictionType};

use super::Artifact;
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

/// What an apply brings, in one statement: a list that is being changed is told as it was or as it is.
pub(super) async fn of_job(client: &impl GenericClient, job: JobId) -> Result<Option<Artifact>, StoreError> {
    const SQL: &str = "/* artifacts::restriction::of_job */ SELECT r.id, r.name, r.type, r.revision,
            ARRAY(SELECT package_name FROM restriction_apps WHERE restriction_id = r.id
                ORDER BY position, package_name LIMIT $2) AS packages,
            ARRAY(SELECT app_name FROM restriction_apps WHERE restriction_id = r.id
                ORDER BY position, package_name LIMIT $2) AS names
        FROM jobs j JOIN restrictions r ON r.id = j.restriction_id WHERE j.id = $1";
    let Some(row) = sql::query_opt(client, SQL, &[&job.0, &LISTED_MAX]).await? else { return Ok(None) };
    let (packages, names): (Vec<String>, Vec<String>) = (row.get("packages"), row.get("names"));
    let applications = packages.into_iter().zip(names).map(|(package_name, name)| ListedApp { package_name, name });
    let code: i16 = row.get("type");
    let unknown = || UnknownWord { column: "type", word: code.to_string() };
    Ok(Some(Artifact::Restriction(Box::new(RestrictionArtifact {
        restriction: RestrictionId(row.get("id")),
        name: row.get("name"),
        kind: RestrictionType::from_code(code).ok_or_else(unknown)?,
        revision: row.get("revision"),
        applications: applications.collect(),
    }))))
}

/// What a removal takes away.
pub(super) async fn removal_of_job(client: &impl GenericClient, job: JobId) -> Result<Option<Artifact>, StoreError> {
    const SQL: &str = "/* artifacts::restriction::removal_of_job */ SELECT restriction_id FROM jobs WHERE id = $1";
    let found = sql::query_opt(client, SQL, &[&job.0]).await?;
    Ok(found.map(|row| Artifact::RestrictionRemoval(RestrictionRemoval { restriction: RestrictionId(row.get(0)) })))
}
