//! Categories of applications, which the document calls application labels.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use drover_domain::{ApplicationId, CategoryId, OrganisationId, OrganisationPath, TenantId};
use tokio_postgres::Row;

use crate::{GenericClient, Page, StoreError, Tx, Window, Windowed, rows::word, sql};

/// The most applications of a category that a list shows.
const SHOWN_APPLICATIONS: i64 = 1000;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Where the organisation that administers it stands.
    pub owner: OrganisationPath,
    /// Its name, one of its kind in the tenant.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A category and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledCategory {
    /// The category.
    pub category: Category,
    /// Its applications by id, with their names.
    pub applications: Vec<(ApplicationId, String)>,
}

macro_rules! columns {
    () => {
        "c.id, o.path, c.name, c.description, c.created_by, c.created_at, c.updated_at"
    };
}

fn category(row: &Row) -> Result<Category, StoreError> {
    Ok(Category {
        id: CategoryId(row.get("id")),
        owner: word(row, "path", OrganisationPath::parse)?,
        name: row.get("name"),
        description: row.get("description"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

/// Makes a category. A name that is taken is a unique violation.
pub async fn insert(
    tx: &Tx<'_>,
    tenant: TenantId,
    organisation: OrganisationId,
    (name, description): (&str, &str),
    created_by: &str,
) -> Result<CategoryId, StoreError> {
    const SQL: &str = "/* applications::categories::insert */ INSERT INTO app_categories
            (tenant_id, organisation_id, name, description, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let row = sql::query_one(tx, SQL, &[&tenant.0, &organisation.0, &name, &description, &created_by]).await?;
    Ok(CategoryId(row.get(0)))
}

/// Those of these categories that are the tenant's; nobody changes or removes them before the transaction ends.
pub async fn lock(tx: &Tx<'_>, tenant: TenantId, ids: &[CategoryId]) -> Result<Vec<Category>, StoreError> {
    const SQL: &str = concat!(
        "/* applications::categories::lock */ SELECT ",
        columns!(),
        " FROM app_categories c JOIN organisations o ON o.id = c.organisation_id
          WHERE c.id = ANY($1) AND c.tenant_id = $2 ORDER BY c.id FOR UPDATE OF c"
    );
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sql::query(tx, SQL, &[&ids, &tenant.0]).await?.iter().map(category).collect()
}

/// Those of these categories that are the tenant's; nobody removes them before the transaction ends.
pub async fn share(tx: &Tx<'_>, tenant: TenantId, ids: &[i64]) -> Result<Vec<Category>, StoreError> {
    const SQL: &str = concat!(
        "/* applications::categories::share */ SELECT ",
        columns!(),
        " FROM app_categories c JOIN organisations o ON o.id = c.organisation_id
          WHERE c.id = ANY($1) AND c.tenant_id = $2 ORDER BY c.id FOR KEY SHARE OF c"
    );
    sql::query(tx, SQL, &[&ids, &tenant.0]).await?.iter().map(category).collect()
}

/// A tenant's categories that belong to an organisation, to one above it or to one below it, and whose name has `search` in it,
/// the newest first. Of their applications those are shown that are seen from there too.
pub async fn page(
    client: &impl GenericClient,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    search: Option<&str>,
    window: Window,
) -> Result<Windowed<FilledCategory>, StoreError> {
    macro_rules! found {
        () => {
            " FROM app_categories c JOIN organisations o ON o.id = c.organisation_id
              WHERE c.tenant_id = $1 AND (starts_with(o.path, $2) OR starts_with($2, o.path))
                AND ($3::text IS NULL OR strpos(lower(c.name), lower($3)) > 0)"
        };
    }
    const COUNT: &str =
        concat!("/* applications::categories::count */ SELECT count(*) FROM (SELECT", found!(), " LIMIT $4) counted");
    const LIST: &str = concat!(
        "/* applications::categories::page */ SELECT ",
        columns!(),
        found!(),
        " ORDER BY c.id DESC LIMIT $4 OFFSET $5"
    );
    const APPLICATIONS: &str =
        "/* applications::categories::applications */ SELECT given.id AS category_id, a.id, a.name
        FROM unnest($1::bigint[]) AS given (id) CROSS JOIN LATERAL (SELECT a.id, a.name FROM app_category_members m
            JOIN applications a ON a.id = m.application_id JOIN organisations o ON o.id = a.organisation_id
            WHERE m.category_id = given.id AND a.deleted_at IS NULL
                AND (starts_with(o.path, $2) OR starts_with($2, o.path))
            ORDER BY m.application_id LIMIT $3) a
        ORDER BY given.id, a.id";
    let path = seen_from.as_str();
    let total = sql::query_one(client, COUNT, &[&tenant.0, &path, &search, &i64::from(Page::MAX_DEPTH)]).await?.get(0);
    let (limit, offset) = (window.limit(), window.offset());
    let found = sql::query(client, LIST, &[&tenant.0, &path, &search, &limit, &offset]).await?;
    let found: Vec<Category> = found.iter().map(category).collect::<Result<_, _>>()?;
    let ids: Vec<i64> = found.iter().map(|category| category.id.0).collect();
    let mut members: HashMap<i64, Vec<(ApplicationId, String)>> = HashMap::new();
    for row in sql::query(client, APPLICATIONS, &[&ids, &path, &SHOWN_APPLICATIONS]).await? {
        members.entry(row.get("category_id")).or_default().push((ApplicationId(row.get("id")), row.get("name")));
    }
    let filled = |category: Category| {
        let applications = members.remove(&category.id.0).unwrap_or_default();
        FilledCategory { category, applications }
    };
    Ok(Windowed { total, items: found.into_iter().map(filled).collect() })
}

/// Changes what is given. A name that is taken is a unique violation.
pub async fn update(
    tx: &Tx<'_>,
    id: CategoryId,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<(), StoreError> {
    const SQL: &str = "/* applications::categories::update */ UPDATE app_categories SET name = COALESCE($2, name),
        description = COALESCE($3, description), updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &name, &description]).await?;
    Ok(())
}

/// Those of these applications that are the tenant's and seen from an organisation; none of them is removed before the
/// transaction ends.
pub async fn seen_applications(
    tx: &Tx<'_>,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    ids: &[i64],
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* applications::categories::seen_applications */ SELECT a.id
        FROM applications a JOIN organisations o ON o.id = a.organisation_id
        WHERE a.id = ANY($1) AND a.tenant_id = $2 AND a.deleted_at IS NULL
            AND (starts_with(o.path, $3) OR starts_with($3, o.path)) ORDER BY a.id FOR KEY SHARE OF a";
    let rows = sql::query(tx, SQL, &[&ids, &tenant.0, &seen_from.as_str()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Puts these applications into a category and takes out of it all others that are seen from an organisation.
pub async fn set_applications(
    tx: &Tx<'_>,
    id: CategoryId,
    seen_from: &OrganisationPath,
    applications: &[i64],
) -> Result<(), StoreError> {
    const LEAVE: &str = "/* applications::categories::set_applications leave */ DELETE FROM app_category_members m
        USING applications a JOIN organisations o ON o.id = a.organisation_id
        WHERE m.category_id = $1 AND m.application_id <> ALL($2) AND a.id = m.application_id
            AND (starts_with(o.path, $3) OR starts_with($3, o.path))";
    const JOIN: &str = "/* applications::categories::set_applications join */ INSERT INTO app_category_members
            (category_id, application_id)
        SELECT $1, given FROM unnest($2::bigint[]) AS given ORDER BY given ON CONFLICT DO NOTHING";
    sql::execute(tx, LEAVE, &[&id.0, &applications, &seen_from.as_str()]).await?;
    sql::execute(tx, JOIN, &[&id.0, &applications]).await?;
    Ok(())
}

/// The first of these categories that has an application.
pub async fn first_in_use(tx: &Tx<'_>, ids: &[CategoryId]) -> Result<Option<CategoryId>, StoreError> {
    const SQL: &str = "/* applications::categories::first_in_use */ SELECT m.category_id FROM app_category_members m
        JOIN applications a ON a.id = m.application_id WHERE m.category_id = ANY($1) AND a.deleted_at IS NULL
        ORDER BY m.category_id LIMIT 1";
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    Ok(sql::query_opt(tx, SQL, &[&ids]).await?.map(|row| CategoryId(row.get(0))))
}

/// Removes categories, and what is left in them of applications that were deleted.
pub async fn delete(tx: &Tx<'_>, ids: &[CategoryId]) -> Result<(), StoreError> {
    const MEMBERS: &str =
        "/* applications::categories::delete members */ DELETE FROM app_category_members WHERE category_id = ANY($1)";
    const SQL: &str = "/* applications::categories::delete */ DELETE FROM app_categories WHERE id = ANY($1)";
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sql::execute(tx, MEMBERS, &[&ids]).await?;
    sql::execute(tx, SQL, &[&ids]).await?;
    Ok(())
}
