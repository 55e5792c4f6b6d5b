//! Black and white lists as they are shown.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use drover_domain::{OrganisationPath, Platform, Relationship, RestrictionId, RestrictionType, TenantId};
use tokio_postgres::Row;

use super::ListedApp;
use crate::{
    GenericClient, Page, StoreError, Window, Windowed, applications::locking::number, records::UnknownWord, sql,
};

/// A list as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictionRecord {
    /// Its id.
    pub id: RestrictionId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it is for.
    pub kind: RestrictionType,
    /// Which devices it is for.
    pub platform: Platform,
    /// Whether devices are to keep to it.
    pub is_enabled: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Whose devices it was pushed to, ascending.
    pub relationships: Vec<Relationship>,
    /// What is on it.
    pub listed: Vec<ListedApp>,
}

/// Which lists are shown; fields that are absent do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestrictionFilter {
    /// Part of its name or of who made it.
    pub search: Option<String>,
    /// What it is for.
    pub kind: Option<RestrictionType>,
    /// Which devices it is for.
    pub platform: Option<Platform>,
    /// Whether devices are to keep to it.
    pub is_enabled: Option<bool>,
}

/// A tenant's lists that belong to an organisation, to one above it or to one below it, the newest first. Those whose devices
/// are still being told to drop them are among them.
pub async fn page(
    client: &impl GenericClient,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    filter: &RestrictionFilter,
    window: Window,
) -> Result<Windowed<RestrictionRecord>, StoreError> {
    macro_rules! found {
        () => {
            " FROM restrictions r JOIN organisations o ON o.id = r.organisation_id
              WHERE r.tenant_id = $1 AND r.deleted_at IS NULL
                AND (starts_with(o.path, $2) OR starts_with($2, o.path))
                AND ($3::text IS NULL OR strpos(lower(r.name), lower($3)) > 0
                    OR strpos(lower(r.created_by), lower($3)) > 0)
                AND ($4::smallint IS NULL OR r.type = $4) AND ($5::smallint IS NULL OR r.platform = $5)
                AND ($6::boolean IS NULL OR r.is_enabled = $6)"
        };
    }
    const COUNT: &str =
        concat!("/* restrictions::count */ SELECT count(*) FROM (SELECT", found!(), " LIMIT $7) counted");
    const LIST: &str = concat!(
        "/* restrictions::page */ SELECT r.id, r.name, r.description, r.type, r.platform, r.is_enabled, r.created_by,
            r.created_at, r.updated_at, ARRAY(SELECT DISTINCT relationship FROM assignments a,
                unnest(a.relationships) AS relationship
                WHERE a.restriction_id = r.id AND a.ended_at IS NULL ORDER BY relationship) AS relationships",
        found!(),
        " ORDER BY r.id DESC LIMIT $7 OFFSET $8"
    );
    let RestrictionFilter { search, kind, platform, is_enabled } = filter;
    let (kind, platform) = (kind.map(RestrictionType::code), platform.map(Platform::code));
    let (path, depth) = (seen_from.as_str(), i64::from(Page::MAX_DEPTH));
    let total =
        sql::query_one(client, COUNT, &[&tenant.0, &path, search, &kind, &platform, is_enabled, &depth]).await?;
    let (limit, offset) = (window.limit(), window.offset());
    let found =
        sql::query(client, LIST, &[&tenant.0, &path, search, &kind, &platform, is_enabled, &limit, &offset]).await?;
    let ids: Vec<i64> = found.iter().map(|row| row.get("id")).collect();
    let mut listed = listed_of(client, &ids).await?;
    let record = |row| record(row, &mut listed);
    Ok(Windowed { total: total.get(0), items: found.iter().map(record).collect::<Result<_, _>>()? })
}

/// What is on each of a page's lists, in order.
async fn listed_of(client: &impl GenericClient, ids: &[i64]) -> Result<HashMap<i64, Vec<ListedApp>>, StoreError> {
    const SQL: &str =
        "/* restrictions::listed_of */ SELECT restriction_id, package_name, app_name FROM restriction_apps
        WHERE restriction_id = ANY($1) ORDER BY restriction_id, position, package_name";
    let mut listed: HashMap<i64, Vec<ListedApp>> = HashMap::new();
    for row in sql::query(client, SQL, &[&ids]).await? {
        let app = ListedApp { package_name: row.get("package_name"), name: row.get("app_name") };
        listed.entry(row.get("restriction_id")).or_default().push(app);
    }
    Ok(listed)
}

fn record(row: &Row, listed: &mut HashMap<i64, Vec<ListedApp>>) -> Result<RestrictionRecord, StoreError> {
    let id: i64 = row.get("id");
    let relationship = |code: i16| {
        let unknown = || UnknownWord { column: "relationships", word: code.to_string() };
        Relationship::from_code(code).ok_or_else(unknown)
    };
    let relationships: Vec<i16> = row.get("relationships");
    Ok(RestrictionRecord {
        id: RestrictionId(id),
        name: row.get("name"),
        description: row.get("description"),
        kind: number(row, "type", RestrictionType::from_code)?,
        platform: number(row, "platform", Platform::from_code)?,
        is_enabled: row.get("is_enabled"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        relationships: relationships.into_iter().map(relationship).collect::<Result<_, _>>()?,
        listed: listed.remove(&id).unwrap_or_default(),
    })
}
