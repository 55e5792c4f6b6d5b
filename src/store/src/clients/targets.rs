//! The organisations that a version is published or distributed to.

use drover_domain::{OrganisationId, OrganisationPath, TenantId};

use crate::{GenericClient, StoreError, records::UnknownWord, sql};

/// An organisation that a caller named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetOrganisation {
    /// Its id.
    pub id: OrganisationId,
    /// What the caller named it by.
    pub code: String,
    /// Its display name.
    pub name: String,
    /// Where it stands.
    pub path: OrganisationPath,
}

/// Reads a path, which the database has checked.
pub(crate) fn path(row: &tokio_postgres::Row, column: &'static str) -> Result<OrganisationPath, StoreError> {
    let text: &str = row.get(column);
    Ok(OrganisationPath::parse(text).ok_or_else(|| UnknownWord { column, word: text.to_owned() })?)
}

/// The organisations of those codes within `scope`; what lies outside is left out.
pub async fn by_code(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    codes: &[&str],
) -> Result<Vec<TargetOrganisation>, StoreError> {
    const SQL: &str = "/* targets::by_code */ SELECT id, code, name, path FROM organisations
        WHERE tenant_id = $1 AND code = ANY($3) AND starts_with(path, $2)";
    let found = sql::query(client, SQL, &[&tenant.0, &scope.as_str(), &codes]).await?;
    let target = |row: &tokio_postgres::Row| {
        Ok(TargetOrganisation {
            id: OrganisationId(row.get("id")),
            code: row.get("code"),
            name: row.get("name"),
            path: path(row, "path")?,
        })
    };
    found.iter().map(target).collect()
}

/// The next organisations after `after`, by id, `limit` at most, of those from `root` downwards that have a device.
pub(crate) async fn next_with_devices(
    client: &impl GenericClient,
    root: OrganisationId,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    // It may look at the whole subtree, so it is asked for many at once. OFFSET keeps the planner from joining: each
    // organisation is one look-up by the index of the devices.
    const SQL: &str = "/* targets::next_with_devices */ SELECT o.id FROM organisations root
        JOIN organisations o ON o.tenant_id = root.tenant_id AND o.path >= root.path
            AND o.path < rtrim(root.path, '/') || '0'
        WHERE root.id = $1 AND o.id > $2 AND EXISTS (SELECT FROM devices d WHERE d.organisation_id = o.id OFFSET 0)
        ORDER BY o.id LIMIT $3";
    Ok(sql::query(client, SQL, &[&root.0, &after, &limit]).await?.iter().map(|row| row.get(0)).collect())
}
