//! A version's distributions.

use chrono::{DateTime, Utc};
use drover_domain::{ClientVersionId, JobId, JobState, OrganisationPath, TenantId};

use super::{LogPage, NOT_CANCELLED, list};
use crate::{GenericClient, Paged, StoreError, clients::publications::state, sql};

/// A distribution, as its version's log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributeLog {
    /// The job.
    pub id: JobId,
    /// Whose.
    pub tenant: TenantId,
    /// The version.
    pub version: ClientVersionId,
    /// The version's number.
    pub version_code: i32,
    /// The organisation it goes to, by the callers' name.
    pub target_code: String,
    /// Its display name.
    pub target_name: String,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Where it stands.
    pub state: JobState,
    /// The organisation that the operator acted for, by the callers' name.
    pub operator_organisation_code: String,
    /// Its display name.
    pub operator_organisation: String,
    /// Who made it.
    pub operator: i64,
    /// The display name of who made it.
    pub operator_name: String,
    /// Whether the user of a device may not put it off.
    pub force: bool,
    /// Devices that have a command.
    pub targeted: i64,
    /// Devices that have the version by it.
    pub upgraded: i64,
}

/// What distributions can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistributeKey {
    /// The distribution's id.
    Id,
    /// The organisation it goes to, by the callers' name.
    TargetCode,
    /// The organisation it goes to.
    TargetName,
    /// When it was changed last.
    Updated,
    /// The organisation that the operator acted for, by the callers' name.
    OperatorOrganisationCode,
    /// The organisation that the operator acted for.
    OperatorOrganisation,
    /// Who made it.
    Operator,
    /// The display name of who made it.
    OperatorName,
    /// Whether it is forced.
    Force,
    /// Those that were cancelled before all others.
    Status,
    /// Devices that have a command.
    Targeted,
    /// Devices that have the version by it.
    Upgraded,
}

impl DistributeKey {
    const fn column(self) -> &'static str {
        match self {
            Self::Id => "j.id",
            Self::TargetCode => "r.code",
            Self::TargetName => "r.name",
            Self::Updated => "j.updated_at",
            Self::OperatorOrganisationCode => "o.code",
            Self::OperatorOrganisation => "o.name",
            Self::Operator => "j.operator_id",
            Self::OperatorName => "j.created_by",
            Self::Force => "j.force",
            Self::Status => NOT_CANCELLED,
            Self::Targeted => "targeted",
            Self::Upgraded => "upgraded",
        }
    }
}

/// The distributions of a version to organisations within `scope`.
pub async fn distributions(
    client: &impl GenericClient,
    version: ClientVersionId,
    scope: &OrganisationPath,
    log: &LogPage<'_, DistributeKey>,
) -> Result<Paged<DistributeLog>, StoreError> {
    macro_rules! from {
        () => {
            " FROM jobs j JOIN client_versions v ON v.id = j.client_version_id
              JOIN organisations o ON o.id = j.organisation_id
              JOIN audiences a ON a.job_id = j.id JOIN organisations r ON r.id = a.organisation_id
              WHERE j.client_version_id = $1 AND j.kind = 'distribute' AND j.deleted_at IS NULL AND starts_with(r.path, $2)"
        };
    }
    const SELECT: &str = concat!(
        "SELECT j.id, j.tenant_id, v.version_code, r.code AS target_code, r.name AS target_name, j.updated_at, j.state,
            o.code AS organisation_code, o.name AS organisation_name, j.operator_id, j.created_by, j.force,
            (SELECT COALESCE(sum(t.count), 0)::bigint FROM job_tallies t WHERE t.job_id = j.id) AS targeted,
            (SELECT COALESCE(sum(t.count), 0)::bigint FROM job_tallies t
                WHERE t.job_id = j.id AND t.state = 'succeeded') AS upgraded",
        from!()
    );
    const COUNT: &str = concat!("/* logs::distributions count */ SELECT count(*)", from!());
    let total = sql::query_one(client, COUNT, &[&version.0, &scope.as_str()]).await?.get(0);
    let statement = list("logs::distributions", SELECT, log.key.column(), log.descending, &["j.id"], (3, 4));
    let (limit, offset) = log.bounds();
    let found = sql::query_composed(client, &statement, &[&version.0, &scope.as_str(), &limit, &offset]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(DistributeLog {
            id: JobId(row.get("id")),
            tenant: TenantId(row.get("tenant_id")),
            version,
            version_code: row.get("version_code"),
            target_code: row.get("target_code"),
            target_name: row.get("target_name"),
            updated_at: row.get("updated_at"),
            state: state(row)?,
            operator_organisation_code: row.get("organisation_code"),
            operator_organisation: row.get("organisation_name"),
            operator: row.get("operator_id"),
            operator_name: row.get("created_by"),
            force: row.get("force"),
            targeted: row.get("targeted"),
            upgraded: row.get("upgraded"),
        })
    };
    Ok(log.paged(total, found.iter().map(read).collect::<Result<_, StoreError>>()?))
}
