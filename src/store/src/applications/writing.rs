//! Applications and their releases are made and changed.

use drover_domain::{
    ApplicationId, ApplicationType, CategoryId, DomainType, OrganisationId, PackageId, ReleaseId, TenantId,
};
use uuid::Uuid;

use crate::{StoreError, Tx, sql};

/// An application to be kept.
#[derive(Debug, Clone)]
pub struct NewApplication<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Who administers it.
    pub organisation: OrganisationId,
    /// What operating systems know it by.
    pub package: PackageId,
    /// Enterprise or public.
    pub kind: ApplicationType,
    /// How it stands to the device's managed part.
    pub domain_type: DomainType,
    /// Its name.
    pub name: &'a str,
    /// Who makes it.
    pub company: &'a str,
    /// Free text.
    pub description: &'a str,
    /// What it costs, of one of the store.
    pub price: Option<&'a str>,
    /// Its number in the store.
    pub itunes_store_id: Option<i64>,
    /// The lowest version of the operating system.
    pub os_version: &'a str,
    /// The kinds of iOS devices it is for; empty for Android.
    pub model_types: &'a [i16],
    /// Who adds it.
    pub created_by: &'a str,
}

/// What devices are to be given of an application.
#[derive(Debug, Clone, Default)]
pub struct NewRelease<'a> {
    /// Its file; `None` in the store.
    pub file: Option<Uuid>,
    /// The file of its icon.
    pub icon: Option<Uuid>,
    /// The name it was uploaded under.
    pub file_name: Option<&'a str>,
    /// The version as people read it.
    pub version_name: &'a str,
    /// The version as the package compares it.
    pub version_code: &'a str,
    /// The same as a number that grows, 0 when it is none.
    pub version_number: i64,
    /// Length in bytes.
    pub size_bytes: i64,
    /// The lowest version of the operating system that the package names.
    pub min_os_version: &'a str,
    /// How it is signed.
    pub signature: &'a str,
    /// Where it is in the store.
    pub source_url: Option<&'a str>,
    /// Who brings it.
    pub created_by: &'a str,
}

/// What of an application is to be different; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ApplicationChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Enterprise or public.
    pub kind: Option<ApplicationType>,
    /// Who makes it.
    pub company: Option<&'a str>,
    /// Free text.
    pub description: Option<&'a str>,
    /// The lowest version of the operating system.
    pub os_version: Option<&'a str>,
    /// The kinds of iOS devices it is for.
    pub model_types: Option<&'a [i16]>,
}

/// Adds an application, which nobody sees before [`set_release`].
pub async fn insert(tx: &Tx<'_>, new: &NewApplication<'_>) -> Result<ApplicationId, StoreError> {
    const SQL: &str =
        "/* applications::insert */ INSERT INTO applications (tenant_id, organisation_id, package_id, type, domain_type,
            name, company, description, price, itunes_store_id, os_version, model_types, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id";
    let row = sql::query_one(
        tx,
        SQL,
        &[
            &new.tenant.0,
            &new.organisation.0,
            &new.package.0,
            &new.kind.code(),
            &new.domain_type.code(),
            &new.name,
            &new.company,
            &new.description,
            &new.price,
            &new.itunes_store_id,
            &new.os_version,
            &new.model_types,
            &new.created_by,
        ],
    )
    .await?;
    Ok(ApplicationId(row.get(0)))
}

/// Adds a release to an application.
pub async fn insert_release(
    tx: &Tx<'_>,
    application: ApplicationId,
    new: &NewRelease<'_>,
) -> Result<ReleaseId, StoreError> {
    const SQL: &str =
        "/* applications::insert_release */ INSERT INTO app_releases (application_id, file_id, icon_id, file_name,
            version_name, version_code, version_number, size_bytes, min_os_version, signature, source_url, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";
    let row = sql::query_one(
        tx,
        SQL,
        &[
            &application.0,
            &new.file,
            &new.icon,
            &new.file_name,
            &new.version_name,
            &new.version_code,
            &new.version_number,
            &new.size_bytes,
            &new.min_os_version,
            &new.signature,
            &new.source_url,
            &new.created_by,
        ],
    )
    .await?;
    Ok(ReleaseId(row.get(0)))
}

/// Says what devices are given from now on, and how it stands to their managed part.
pub async fn set_release(
    tx: &Tx<'_>,
    application: ApplicationId,
    release: ReleaseId,
    domain_type: DomainType,
) -> Result<(), StoreError> {
    const SQL: &str = "/* applications::set_release */ UPDATE applications
        SET release_id = $2, domain_type = $3, updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&application.0, &release.0, &domain_type.code()]).await?;
    Ok(())
}

/// Changes an application.
pub async fn change(tx: &Tx<'_>, id: ApplicationId, change: &ApplicationChange<'_>) -> Result<(), StoreError> {
    const SQL: &str = "/* applications::change */ UPDATE applications SET name = COALESCE($2, name),
            type = COALESCE($3, type), company = COALESCE($4, company), description = COALESCE($5, description),
            os_version = COALESCE($6, os_version), model_types = COALESCE($7, model_types), updated_at = now()
        WHERE id = $1";
    let ApplicationChange { name, kind, company, description, os_version, model_types } = change;
    let kind = kind.map(ApplicationType::code);
    sql::execute(tx, SQL, &[&id.0, name, &kind, company, description, os_version, model_types]).await?;
    Ok(())
}

/// Puts an application into these categories and takes it out of all others. A category that is not there is a foreign key
/// violation.
pub async fn link_categories(
    tx: &Tx<'_>,
    application: ApplicationId,
    categories: &[CategoryId],
) -> Result<(), StoreError> {
    const LEAVE: &str = "/* applications::link_categories leave */ DELETE FROM app_category_members
        WHERE application_id = $1 AND category_id <> ALL($2)";
    const JOIN: &str =
        "/* applications::link_categories join */ INSERT INTO app_category_members (category_id, application_id)
        SELECT given, $1 FROM unnest($2::bigint[]) AS given ORDER BY given ON CONFLICT DO NOTHING";
    let categories: Vec<i64> = categories.iter().map(|category| category.0).collect();
    sql::execute(tx, LEAVE, &[&application.0, &categories]).await?;
    sql::execute(tx, JOIN, &[&application.0, &categories]).await?;
    Ok(())
}
