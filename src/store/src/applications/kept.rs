//! What is kept of one package.

use drover_domain::{ApplicationId, DomainType, OrganisationPath, PackageId, Platform, ReleaseMark, TenantId};

use super::locking::number;
use crate::{GenericClient, StoreError, Tx, rows::word, sql};

/// The most applications of one package that are looked at, and so that may be kept.
pub const KEPT_MAX: usize = 1000;

/// An application of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The application.
    pub id: ApplicationId,
    /// Where the organisation that administers it stands.
    pub owner: OrganisationPath,
    /// What it gives devices now.
    pub mark: ReleaseMark,
}

/// The package of that name, made if it is not there. Who has it is alone in adding to it until the transaction ends.
pub async fn lock_package(
    tx: &Tx<'_>,
    tenant: TenantId,
    platform: Platform,
    name: &str,
) -> Result<PackageId, StoreError> {
    const SQL: &str = "/* applications::lock_package */ INSERT INTO packages (tenant_id, platform, name)
        VALUES ($1, $2, $3) ON CONFLICT (tenant_id, platform, name) DO UPDATE SET name = excluded.name RETURNING id";
    Ok(PackageId(sql::query_one(tx, SQL, &[&tenant.0, &platform.code(), &name]).await?.get(0)))
}

/// The applications of a package by id, [`KEPT_MAX`] at most. One that is being removed is as good as gone.
pub async fn of_package(
    client: &impl GenericClient,
    tenant: TenantId,
    platform: Platform,
    name: &str,
) -> Result<Vec<Kept>, StoreError> {
    const SQL: &str =
        "/* applications::of_package */ SELECT a.id, o.path, a.domain_type, r.version_name, r.version_code
        FROM packages p JOIN applications a ON a.package_id = p.id JOIN app_releases r ON r.id = a.release_id
            JOIN organisations o ON o.id = a.organisation_id
        WHERE p.tenant_id = $1 AND p.platform = $2 AND p.name = $3 AND a.removing_at IS NULL AND a.deleted_at IS NULL
        ORDER BY a.id LIMIT $4";
    let limit = i64::try_from(KEPT_MAX).unwrap_or(i64::MAX);
    let rows = sql::query(client, SQL, &[&tenant.0, &platform.code(), &name, &limit]).await?;
    let kept = |row: &tokio_postgres::Row| {
        Ok(Kept {
            id: ApplicationId(row.get("id")),
            owner: word(row, "path", OrganisationPath::parse)?,
            mark: ReleaseMark {
                domain_type: number(row, "domain_type", DomainType::from_code)?,
                version_name: row.get("version_name"),
                version_code: row.get("version_code"),
            },
        })
    };
    rows.iter().map(kept).collect()
}
