//! A version's publications.

use chrono::{DateTime, Utc};
use drover_domain::{ClientGroupId, ClientVersionId, JobId, JobState, OrganisationPath, TenantId};

use super::{LogPage, NOT_CANCELLED, list};
use crate::{GenericClient, Paged, StoreError, clients::publications::state, sql};

/// A publication, as its version's log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishLog {
    /// The job.
    pub id: JobId,
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The version.
    pub version: ClientVersionId,
    /// Its group.
    pub group: ClientGroupId,
    /// When it was published.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Where it stands.
    pub state: JobState,
    /// Who published it.
    pub operator_name: String,
    /// For which organisation.
    pub operator_organisation: String,
}

/// What publications can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishKey {
    /// The publication's id.
    Id,
    /// When it was made.
    Created,
    /// When it was changed last.
    Updated,
    /// Those that were cancelled before all others.
    Status,
    /// Who made it.
    Operator,
    /// For which organisation.
    OperatorOrganisation,
}

impl PublishKey {
    const fn column(self) -> &'static str {
        match self {
            Self::Id => "j.id",
            Self::Created => "j.created_at",
            Self::Updated => "j.updated_at",
            Self::Status => NOT_CANCELLED,
            Self::Operator => "j.created_by",
            Self::OperatorOrganisation => "o.name",
        }
    }
}

/// The publications of a version that reach something within `scope`, or all that is in it.
pub async fn publications(
    client: &impl GenericClient,
    version: ClientVersionId,
    scope: &OrganisationPath,
    log: &LogPage<'_, PublishKey>,
) -> Result<Paged<PublishLog>, StoreError> {
    macro_rules! from {
        () => {
            " FROM jobs j JOIN tenants t ON t.id = j.tenant_id JOIN organisations o ON o.id = j.organisation_id
              WHERE j.client_version_id = $1 AND j.kind = 'publish' AND j.deleted_at IS NULL AND EXISTS (
                  SELECT FROM audiences a JOIN organisations r ON r.id = a.organisation_id
                  WHERE a.job_id = j.id AND (starts_with(r.path, $2) OR starts_with($2, r.path)))"
        };
    }
    const SELECT: &str = concat!(
        "SELECT j.id, j.tenant_id, t.name AS tenant_name, j.client_group_id, j.created_at, j.updated_at, j.state,
            j.created_by, o.name AS organisation_name",
        from!()
    );
    const COUNT: &str = concat!("/* logs::publications count */ SELECT count(*)", from!());
    let total = sql::query_one(client, COUNT, &[&version.0, &scope.as_str()]).await?.get(0);
    let statement = list("logs::publications", SELECT, log.key.column(), log.descending, &["j.id"], (3, 4));
    let (limit, offset) = log.bounds();
    let found = sql::query_composed(client, &statement, &[&version.0, &scope.as_str(), &limit, &offset]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(PublishLog {
            id: JobId(row.get("id")),
            tenant: TenantId(row.get("tenant_id")),
            tenant_name: row.get("tenant_name"),
            version,
            group: ClientGroupId(row.get("client_group_id")),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
            state: state(row)?,
            operator_name: row.get("created_by"),
            operator_organisation: row.get("organisation_name"),
        })
    };
    Ok(log.paged(total, found.iter().map(read).collect::<Result<_, StoreError>>()?))
}
