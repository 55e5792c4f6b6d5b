//! Black and white lists come to be and change.

use drover_domain::{OrganisationId, Platform, RestrictionId, RestrictionType, TenantId};

use super::ListedApp;
use crate::{GenericClient, StoreError, Tx, sql};

/// A list to be made.
#[derive(Debug, Clone)]
pub struct NewRestriction<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Who administers it.
    pub organisation: OrganisationId,
    /// What it is for.
    pub kind: RestrictionType,
    /// Which devices it is for.
    pub platform: Platform,
    /// Its name.
    pub name: &'a str,
    /// Free text.
    pub description: &'a str,
    /// Whether devices are to keep to it.
    pub is_enabled: bool,
    /// Who makes it.
    pub created_by: &'a str,
    /// What is on it.
    pub listed: &'a [ListedApp],
}

/// Makes a list. A name that the tenant has already is a violation of [`NAME_TAKEN`](super::NAME_TAKEN).
pub async fn insert(tx: &Tx<'_>, new: &NewRestriction<'_>) -> Result<RestrictionId, StoreError> {
    const SQL: &str = "/* restrictions::insert */ INSERT INTO restrictions (tenant_id, organisation_id, type, platform,
            name, description, is_enabled, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    let NewRestriction { tenant, organisation, kind, platform, name, description, is_enabled, created_by, listed } =
        new;
    let (kind, platform) = (kind.code(), platform.code());
    let row = sql::query_one(
        tx,
        SQL,
        &[&tenant.0, &organisation.0, &kind, &platform, name, description, is_enabled, created_by],
    )
    .await?;
    let id = RestrictionId(row.get(0));
    insert_listed(tx, id, listed).await?;
    Ok(id)
}

async fn insert_listed(tx: &Tx<'_>, id: RestrictionId, listed: &[ListedApp]) -> Result<(), StoreError> {
    const SQL: &str = "/* restrictions::insert_listed */
        INSERT INTO restriction_apps (restriction_id, position, package_name, app_name)
        SELECT $1, position, package_name, app_name
        FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS given (package_name, app_name, position)";
    let (packages, names): (Vec<&str>, Vec<&str>) =
        listed.iter().map(|app| (app.package_name.as_str(), app.name.as_str())).unzip();
    sql::execute(tx, SQL, &[&id.0, &packages, &names]).await?;
    Ok(())
}

/// What is on a list, in order.
pub async fn listed(client: &impl GenericClient, id: RestrictionId) -> Result<Vec<ListedApp>, StoreError> {
    const SQL: &str = "/* restrictions::listed */ SELECT package_name, app_name FROM restriction_apps
        WHERE restriction_id = $1 ORDER BY position, package_name";
    let app = |row: &tokio_postgres::Row| ListedApp { package_name: row.get(0), name: row.get(1) };
    Ok(sql::query(client, SQL, &[&id.0]).await?.iter().map(app).collect())
}

/// Gives a list another name or description. A name that the tenant has already is a violation of
/// [`NAME_TAKEN`](super::NAME_TAKEN).
pub async fn change(
    tx: &Tx<'_>,
    id: RestrictionId,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<(), StoreError> {
    const SQL: &str = "/* restrictions::change */ UPDATE restrictions SET name = COALESCE($2, name),
        description = COALESCE($3, description), updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &name, &description]).await?;
    Ok(())
}

/// Puts other applications on a list, which is another revision of it then.
pub async fn replace_listed(tx: &Tx<'_>, id: RestrictionId, listed: &[ListedApp]) -> Result<(), StoreError> {
    const REVISE: &str = "/* restrictions::replace_listed */ UPDATE restrictions SET revision = revision + 1,
        updated_at = now() WHERE id = $1";
    const CLEAR: &str =
        "/* restrictions::replace_listed clear */ DELETE FROM restriction_apps WHERE restriction_id = $1";
    sql::execute(tx, REVISE, &[&id.0]).await?;
    sql::execute(tx, CLEAR, &[&id.0]).await?;
    insert_listed(tx, id, listed).await
}

/// Enables or disables a list. One that is enabled again is another revision: a device that dropped it is given it, and one
/// whose word of having dropped it got lost as well.
pub async fn set_enabled(tx: &Tx<'_>, id: RestrictionId, is_enabled: bool) -> Result<(), StoreError> {
    const SQL: &str = "/* restrictions::set_enabled */ UPDATE restrictions SET is_enabled = $2,
        revision = revision + CASE WHEN $2 THEN 1 ELSE 0 END, updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &is_enabled]).await?;
    Ok(())
}

/// Whether a list was ever pushed.
pub async fn has_been_pushed(client: &impl GenericClient, id: RestrictionId) -> Result<bool, StoreError> {
    const SQL: &str = "/* restrictions::has_been_pushed */ SELECT EXISTS (SELECT FROM jobs WHERE restriction_id = $1)";
    Ok(sql::query_one(client, SQL, &[&id.0]).await?.get(0))
}
