//! An application that somebody is about to push or to change.

use drover_domain::{
    ApplicationId, ApplicationType, DomainType, OrganisationId, OrganisationPath, PackageId, Platform, ReleaseId,
    TenantId,
};
use tokio_postgres::Row;

use crate::{StoreError, Tx, UnknownWord, rows::word, sql};

/// What a push or a change needs to know of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Whose it is: who administers this organisation may change it, who belongs to it or below may see it.
    pub organisation: OrganisationId,
    /// Where that one stands.
    pub owner: OrganisationPath,
    /// What operating systems know it by.
    pub package: PackageId,
    /// The name of that.
    pub package_name: String,
    /// What it runs on.
    pub platform: Platform,
    /// Enterprise or public.
    pub kind: ApplicationType,
    /// How it stands to the device's managed part.
    pub domain_type: DomainType,
    /// Its name.
    pub name: String,
    /// What devices are given now.
    pub release: ReleaseId,
    /// The kinds of iOS devices it is for; empty for Android.
    pub model_types: Vec<i16>,
    /// Whether its devices are being told to remove it.
    pub is_removing: bool,
}

/// A tenant's application that was not deleted, which nobody else changes, replaces, removes or locks before the transaction
/// ends.
pub async fn lock(tx: &Tx<'_>, tenant: TenantId, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    const SQL: &str = "/* applications::lock */ SELECT a.id, a.organisation_id, o.path, a.package_id,
            p.name AS package_name, p.platform, a.type, a.domain_type, a.name, a.release_id, a.model_types,
            a.removing_at IS NOT NULL AS is_removing
        FROM applications a JOIN packages p ON p.id = a.package_id JOIN organisations o ON o.id = a.organisation_id
        WHERE a.id = $1 AND a.tenant_id = $2 AND a.deleted_at IS NULL AND a.release_id IS NOT NULL
        FOR NO KEY UPDATE OF a";
    sql::query_opt(tx, SQL, &[&id.0, &tenant.0]).await?.as_ref().map(application).transpose()
}

fn application(row: &Row) -> Result<Application, StoreError> {
    Ok(Application {
        id: ApplicationId(row.get("id")),
        organisation: OrganisationId(row.get("organisation_id")),
        owner: word(row, "path", OrganisationPath::parse)?,
        package: PackageId(row.get("package_id")),
        package_name: row.get("package_name"),
        platform: number(row, "platform", Platform::from_code)?,
        kind: number(row, "type", ApplicationType::from_code)?,
        domain_type: number(row, "domain_type", DomainType::from_code)?,
        name: row.get("name"),
        release: ReleaseId(row.get("release_id")),
        model_types: row.get("model_types"),
        is_removing: row.get("is_removing"),
    })
}

/// Reads a number of a closed enumeration.
pub(crate) fn number<T>(row: &Row, column: &'static str, read: fn(i16) -> Option<T>) -> Result<T, UnknownWord> {
    let code: i16 = row.get(column);
    read(code).ok_or_else(|| UnknownWord { column, word: code.to_string() })
}
