//! Applications as they are shown.

use chrono::{DateTime, Utc};
use drover_domain::{ApplicationId, ApplicationType, CategoryId, DomainType, OrganisationPath, Platform, TenantId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::locking::number;
use crate::{GenericClient, Page, StoreError, Window, Windowed, sql};

/// An application, what it gives devices now, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its id.
    pub id: ApplicationId,
    /// Who added it.
    pub created_by: String,
    /// Its name.
    pub name: String,
    /// What operating systems know it by.
    pub package_name: String,
    /// What it runs on.
    pub platform: Platform,
    /// Enterprise or public.
    pub kind: ApplicationType,
    /// How it stands to the device's managed part.
    pub domain_type: DomainType,
    /// Who makes it.
    pub company: String,
    /// Free text.
    pub description: String,
    /// What it costs, of one of the store.
    pub price: Option<String>,
    /// Its number in the store.
    pub itunes_store_id: Option<i64>,
    /// The lowest version of the operating system.
    pub os_version: String,
    /// Whether its devices are being told to remove it.
    pub is_removing: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was changed or replaced last.
    pub updated_at: DateTime<Utc>,
    /// Its file; `None` in the store.
    pub file: Option<Uuid>,
    /// The file of its icon.
    pub icon: Option<Uuid>,
    /// The name that its file was uploaded under.
    pub file_name: Option<String>,
    /// The version as people read it.
    pub version_name: String,
    /// The version as the package compares it.
    pub version_code: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// Where it is in the store.
    pub source_url: Option<String>,
    /// The categories it is in, so far as they are seen, by id, with their names.
    pub categories: Vec<(CategoryId, String)>,
    /// When it is pushed next, if that is scheduled.
    pub starts_at: Option<DateTime<Utc>>,
    /// Devices that it was pushed to.
    pub pushed: i64,
    /// Devices that have it.
    pub installed: i64,
}

/// Which applications a list shows; fields that are absent do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationFilter {
    /// Part of its name or of who makes it.
    pub search: Option<String>,
    /// A category that it is in.
    pub category: Option<CategoryId>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// Enterprise or public.
    pub kind: Option<ApplicationType>,
    /// How it stands to the device's managed part.
    pub domain_type: Option<DomainType>,
}

/// Columns of [`record`], for `records!`.
macro_rules! columns {
    () => {
        " SELECT a.id, a.created_by, a.name, p.name AS package_name, p.platform, a.type, a.domain_type, a.company,
            a.description, a.price, a.itunes_store_id, a.os_version, a.removing_at IS NOT NULL AS is_removing, a.created_at,
            a.updated_at, r.file_id, r.icon_id, r.file_name, r.version_name, r.version_code, r.size_bytes, r.source_url,
            c.ids AS category_ids, c.names AS category_names, t.pushed, t.installed,
            (SELECT min(s.start_at) FROM assignments s
                WHERE s.application_id = a.id AND s.ended_at IS NULL AND s.start_at > now()) AS starts_at "
    };
}

/// Applications as `a`, each with its package, organisation, release, tallies, and the categories that are seen from the
/// organisation whose path is `$2`.
macro_rules! records {
    ($applications:literal) => {
        concat!(
            " FROM ",
            $applications,
            " JOIN packages p ON p.id = a.package_id JOIN organisations o ON o.id = a.organisation_id
              JOIN app_releases r ON r.id = a.release_id
              CROSS JOIN LATERAL (SELECT array_agg(c.id ORDER BY c.id) AS ids, array_agg(c.name ORDER BY c.id) AS names
                FROM app_category_members m JOIN app_categories c ON c.id = m.category_id
                    JOIN organisations co ON co.id = c.organisation_id
                WHERE m.application_id = a.id AND (starts_with(co.path, $2) OR starts_with($2, co.path))) c
              CROSS JOIN LATERAL (SELECT COALESCE(sum(t.pushed), 0)::bigint AS pushed,
                COALESCE(sum(t.installed), 0)::bigint AS installed FROM app_tallies t WHERE t.application_id = a.id) t "
        )
    };
}

/// A tenant's application that belongs to an organisation, to one above it or to one below it, and was not deleted.
pub async fn get(
    client: &impl GenericClient,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    id: ApplicationId,
) -> Result<Option<ApplicationRecord>, StoreError> {
    const SQL: &str = concat!(
        "/* applications::get */",
        columns!(),
        records!("applications a"),
        "WHERE a.id = $1 AND a.tenant_id = $3 AND a.deleted_at IS NULL
            AND (starts_with(o.path, $2) OR starts_with($2, o.path))"
    );
    sql::query_opt(client, SQL, &[&id.0, &seen_from.as_str(), &tenant.0]).await?.as_ref().map(record).transpose()
}

/// A tenant's applications that belong to an organisation, to one above it or to one below it, the newest first.
pub async fn page(
    client: &impl GenericClient,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    filter: &ApplicationFilter,
    window: Window,
) -> Result<Windowed<ApplicationRecord>, StoreError> {
    macro_rules! found {
        ($columns:literal) => {
            concat!(
                "SELECT ",
                $columns,
                " FROM applications a JOIN packages p ON p.id = a.package_id
                    JOIN organisations o ON o.id = a.organisation_id
                WHERE a.tenant_id = $1 AND a.deleted_at IS NULL AND a.release_id IS NOT NULL
                    AND (starts_with(o.path, $2) OR starts_with($2, o.path))
                    AND ($3::text IS NULL OR strpos(lower(a.name), lower($3)) > 0
                        OR strpos(lower(a.company), lower($3)) > 0)
                    AND ($4::bigint IS NULL OR EXISTS (SELECT FROM app_category_members m
                        JOIN app_categories c ON c.id = m.category_id
                        JOIN organisations co ON co.id = c.organisation_id
                        WHERE m.category_id = $4 AND m.application_id = a.id
                            AND (starts_with(co.path, $2) OR starts_with($2, co.path))))
                    AND ($5::smallint IS NULL OR p.platform = $5) AND ($6::smallint IS NULL OR a.type = $6)
                    AND ($7::smallint IS NULL OR a.domain_type = $7)"
            )
        };
    }
    const COUNT: &str = concat!("/* applications::count */ SELECT count(*) FROM (", found!(""), " LIMIT $8) counted");
    // Only what is shown is looked at further.
    const LIST: &str = concat!(
        "/* applications::page */ WITH shown AS MATERIALIZED (",
        found!("a.*"),
        " ORDER BY a.id DESC LIMIT $8 OFFSET $9)",
        columns!(),
        records!("shown a"),
        "ORDER BY a.id DESC"
    );
    let ApplicationFilter { search, category, platform, kind, domain_type } = filter;
    let (path, category) = (seen_from.as_str(), category.map(|category| category.0));
    let platform = platform.map(Platform::code);
    let (kind, domain_type) = (kind.map(ApplicationType::code), domain_type.map(DomainType::code));
    let (depth, limit, offset) = (i64::from(Page::MAX_DEPTH), window.limit(), window.offset());
    let total =
        sql::query_one(client, COUNT, &[&tenant.0, &path, search, &category, &platform, &kind, &domain_type, &depth])
            .await?;
    let found = sql::query(
        client,
        LIST,
        &[&tenant.0, &path, search, &category, &platform, &kind, &domain_type, &limit, &offset],
    )
    .await?;
    Ok(Windowed { total: total.get(0), items: found.iter().map(record).collect::<Result<_, _>>()? })
}

fn record(row: &Row) -> Result<ApplicationRecord, StoreError> {
    let ids: Vec<i64> = row.get::<_, Option<_>>("category_ids").unwrap_or_default();
    let names: Vec<String> = row.get::<_, Option<_>>("category_names").unwrap_or_default();
    Ok(ApplicationRecord {
        id: ApplicationId(row.get("id")),
        created_by: row.get("created_by"),
        name: row.get("name"),
        package_name: row.get("package_name"),
        platform: number(row, "platform", Platform::from_code)?,
        kind: number(row, "type", ApplicationType::from_code)?,
        domain_type: number(row, "domain_type", DomainType::from_code)?,
        company: row.get("company"),
        description: row.get("description"),
        price: row.get("price"),
        itunes_store_id: row.get("itunes_store_id"),
        os_version: row.get("os_version"),
        is_removing: row.get("is_removing"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        file: row.get("file_id"),
        icon: row.get("icon_id"),
        file_name: row.get("file_name"),
        version_name: row.get("version_name"),
        version_code: row.get("version_code"),
        size_bytes: row.get("size_bytes"),
        source_url: row.get("source_url"),
        categories: ids.into_iter().map(CategoryId).zip(names).collect(),
        starts_at: row.get("starts_at"),
        pushed: row.get("pushed"),
        installed: row.get("installed"),
    })
}
