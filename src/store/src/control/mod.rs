//! What operators do to whole jobs.

pub mod retries;

use drover_domain::{JobId, OrganisationId, OrganisationPath};

use crate::{
    GenericClient, Job, StoreError, Tx, jobs,
    people::reach::{Reach, within_reach},
    rows, sql,
};

/// A job that an operator steps into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controlled {
    /// The job.
    pub job: Job,
    /// Whose it is; `None`: its tenant's as a whole.
    pub organisation: Option<OrganisationId>,
}

/// Columns and tables of a job within the reach of $1 to $3.
macro_rules! select_controlled {
    ($name:literal, $lock:literal) => {
        concat!(
            "/* control::",
            $name,
            " */ SELECT ",
            jobs::job_columns!(),
            ", j.organisation_id FROM jobs j LEFT JOIN organisations o ON o.id = j.organisation_id WHERE ",
            within_reach!("j"),
            " AND j.id = $4 AND j.deleted_at IS NULL",
            $lock
        )
    };
}

/// A job within reach.
pub async fn find(client: &impl GenericClient, reach: &Reach, id: JobId) -> Result<Option<Controlled>, StoreError> {
    one(client, select_controlled!("find", ""), reach, id).await
}

/// A job within reach, locked against every other change of it.
pub async fn lock(tx: &Tx<'_>, reach: &Reach, id: JobId) -> Result<Option<Controlled>, StoreError> {
    one(tx, select_controlled!("lock", " FOR NO KEY UPDATE OF j"), reach, id).await
}

async fn one(
    client: &impl GenericClient,
    statement: &'static str,
    reach: &Reach,
    id: JobId,
) -> Result<Option<Controlled>, StoreError> {
    let reach = reach.parameters();
    let row = sql::query_opt(client, statement, &[&reach.tenant, &reach.first, &reach.end, &id.0]).await?;
    let controlled = |row: &tokio_postgres::Row| {
        Ok(Controlled {
            job: rows::job(row)?,
            organisation: row.get::<_, Option<i64>>("organisation_id").map(OrganisationId),
        })
    };
    row.as_ref().map(controlled).transpose()
}

/// The organisations that a publication or distribution reaches.
pub async fn reached(client: &impl GenericClient, job: JobId) -> Result<Vec<OrganisationPath>, StoreError> {
    const SQL: &str =
        "/* control::reached */ SELECT o.path FROM audiences a JOIN organisations o ON o.id = a.organisation_id
        WHERE a.job_id = $1 ORDER BY a.id LIMIT $2";
    let rows = sql::query(client, SQL, &[&job.0, &crate::clients::publications::REACHED_MAX]).await?;
    Ok(rows.iter().map(|row| rows::word(row, "path", OrganisationPath::parse)).collect::<Result<_, _>>()?)
}

/// Distributions that rest on a publication and have not ended.
pub async fn resting_on(client: &impl GenericClient, publication: JobId) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str =
        "/* control::resting_on */ SELECT id FROM jobs WHERE publication_id = $1 AND finished_at IS NULL ORDER BY id";
    Ok(sql::query(client, SQL, &[&publication.0]).await?.iter().map(|row| JobId(row.get(0))).collect())
}
