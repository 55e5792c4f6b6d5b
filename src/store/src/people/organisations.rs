//! The tree of organisations.
//!
//! Every read is bounded by `scope`, the path of the organisation that the reader stands in: what lies outside is not there.
//! A subtree is a range of paths, and the tree changes under the lock of its root, so that no two changes make a circle.

use chrono::{DateTime, Utc};
use drover_domain::{OrganisationId, OrganisationPath, TenantId};
use tokio_postgres::Row;

use crate::{GenericClient, StoreError, Tx, records::UnknownWord, sql};

/// The code of every tenant's root.
pub const ROOT_CODE: &str = "root";

/// A part of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The one above it; `None`: it is the tenant's root.
    pub parent: Option<OrganisationId>,
    /// What callers name it by, one of its kind in the tenant.
    pub code: String,
    /// Its display name.
    pub name: String,
    /// Where it stands.
    pub path: OrganisationPath,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// Columns of [`read`], for a query in which organisations is `o`.
macro_rules! organisation_columns {
    () => {
        "o.id AS organisation_id, o.tenant_id AS organisation_tenant_id, o.parent_id, o.code AS organisation_code, \
         o.name AS organisation_name, o.path, o.created_at AS organisation_created_at, \
         o.updated_at AS organisation_updated_at"
    };
}
pub(crate) use organisation_columns;

pub(crate) fn read(row: &Row) -> Result<Organisation, StoreError> {
    let path: String = row.get("path");
    let known = OrganisationPath::parse(&path);
    Ok(Organisation {
        id: OrganisationId(row.get("organisation_id")),
        tenant: TenantId(row.get("organisation_tenant_id")),
        parent: row.get::<_, Option<i64>>("parent_id").map(OrganisationId),
        code: row.get("organisation_code"),
        name: row.get("organisation_name"),
        path: known.ok_or(UnknownWord { column: "path", word: path })?,
        created_at: row.get("organisation_created_at"),
        updated_at: row.get("organisation_updated_at"),
    })
}

fn read_all(rows: &[Row]) -> Result<Vec<Organisation>, StoreError> {
    rows.iter().map(read).collect()
}

/// Where the range of a subtree's paths ends: they begin with `/1/2/`, and the character after the slash is the 0.
pub fn end_of(path: &OrganisationPath) -> String {
    format!("{}0", path.as_str().trim_end_matches('/'))
}

/// Makes a tenant's root, unless it has one: an older program may have added the tenant.
pub async fn ensure_root(client: &impl GenericClient, tenant: TenantId) -> Result<(), StoreError> {
    const SQL: &str = "/* organisations::ensure_root */
        WITH given AS (
            SELECT t.id AS tenant_id, t.name, nextval(pg_get_serial_sequence('organisations', 'id')) AS id FROM tenants t
            WHERE t.id = $1 AND NOT EXISTS (SELECT FROM organisations o WHERE o.tenant_id = t.id AND o.parent_id IS NULL)
        )
        INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE
            SELECT id, tenant_id, $2, name, '/' || id || '/' FROM given ON CONFLICT DO NOTHING";
    sql::execute(client, SQL, &[&tenant.0, &ROOT_CODE]).await?;
    Ok(())
}

/// The tenant's root, if it has one.
pub async fn root(client: &impl GenericClient, tenant: TenantId) -> Result<Option<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::root */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.tenant_id = $1 AND o.parent_id IS NULL"
    );
    sql::query_opt(client, SQL, &[&tenant.0]).await?.as_ref().map(read).transpose()
}

/// Keeps everybody else from changing the tenant's tree until the transaction ends.
pub async fn lock_tree(tx: &Tx<'_>, tenant: TenantId) -> Result<(), StoreError> {
    const SQL: &str = "/* organisations::lock_tree */ SELECT FROM organisations
        WHERE tenant_id = $1 AND parent_id IS NULL FOR NO KEY UPDATE";
    sql::execute(tx, SQL, &[&tenant.0]).await?;
    Ok(())
}

/// The organisation of that id.
pub async fn get(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    id: OrganisationId,
) -> Result<Option<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::get */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.id = $2 AND o.tenant_id = $1 AND o.path >= $3 AND o.path < $4"
    );
    let row = sql::query_opt(client, SQL, &[&tenant.0, &id.0, &scope.as_str(), &end_of(scope)]).await?;
    row.as_ref().map(read).transpose()
}

/// The organisation of that code.
pub async fn by_code(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    code: &str,
) -> Result<Option<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::by_code */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.tenant_id = $1 AND o.code = $2 AND o.path >= $3 AND o.path < $4"
    );
    let row = sql::query_opt(client, SQL, &[&tenant.0, &code, &scope.as_str(), &end_of(scope)]).await?;
    row.as_ref().map(read).transpose()
}

/// The organisations of those codes, as far as there are such.
pub async fn by_codes(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    codes: &[String],
) -> Result<Vec<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::by_codes */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.tenant_id = $1 AND o.code = ANY($2) AND o.path >= $3 AND o.path < $4"
    );
    read_all(&sql::query(client, SQL, &[&tenant.0, &codes, &scope.as_str(), &end_of(scope)]).await?)
}

/// The organisations from the root to this one, in this order.
pub async fn line_of(
    client: &impl GenericClient,
    tenant: TenantId,
    path: &OrganisationPath,
) -> Result<Vec<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::line_of */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.tenant_id = $1 AND o.id = ANY($2) ORDER BY o.path"
    );
    let ids: Vec<i64> = path.ids().collect();
    read_all(&sql::query(client, SQL, &[&tenant.0, &ids]).await?)
}

/// Organisations of a subtree after `after`, `limit` at most, each before those below it.
pub async fn below(
    client: &impl GenericClient,
    tenant: TenantId,
    top: &OrganisationPath,
    after: Option<&OrganisationPath>,
    limit: i64,
) -> Result<Vec<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::below */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.tenant_id = $1 AND o.path >= $2 AND o.path < $3 AND o.path > $4
        ORDER BY o.path LIMIT $5"
    );
    let after = after.map_or("", OrganisationPath::as_str);
    read_all(&sql::query(client, SQL, &[&tenant.0, &top.as_str(), &end_of(top), &after, &limit]).await?)
}

/// How deep the deepest organisation of a subtree stands; the root stands at 1.
pub async fn depth(client: &impl GenericClient, tenant: TenantId, top: &OrganisationPath) -> Result<usize, StoreError> {
    const SQL: &str = "/* organisations::depth */
        SELECT COALESCE(max(length(path) - length(replace(path, '/', ''))) - 1, 0) FROM organisations
        WHERE tenant_id = $1 AND path >= $2 AND path < $3";
    let row = sql::query_one(client, SQL, &[&tenant.0, &top.as_str(), &end_of(top)]).await?;
    Ok(usize::try_from(row.get::<_, i32>(0)).unwrap_or_default())
}

/// Adds an organisation below another one, whose tree the caller has locked. A code that is taken is a unique violation.
pub async fn insert(tx: &Tx<'_>, parent: &Organisation, code: &str, name: &str) -> Result<Organisation, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::insert */ WITH given AS (
            SELECT nextval(pg_get_serial_sequence('organisations', 'id')) AS id
        )
        INSERT INTO organisations AS o (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
            SELECT id, $1, $2, $3, $4, $5 || id || '/' FROM given RETURNING ",
        organisation_columns!()
    );
    let path = parent.path.as_str();
    read(&sql::query_one(tx, SQL, &[&parent.tenant.0, &parent.id.0, &code, &name, &path]).await?)
}

/// Gives an organisation another name.
pub async fn rename(client: &impl GenericClient, id: OrganisationId, name: &str) -> Result<(), StoreError> {
    const SQL: &str =
        "/* organisations::rename */ UPDATE organisations SET name = $2, updated_at = now() WHERE id = $1";
    sql::execute(client, SQL, &[&id.0, &name]).await?;
    Ok(())
}

/// Puts a subtree below another organisation; the caller has locked the tree and knows that `parent` is not in the subtree.
pub async fn relocate(tx: &Tx<'_>, top: &Organisation, parent: &Organisation) -> Result<(), StoreError> {
    const SQL: &str = "/* organisations::relocate */ UPDATE organisations SET
            path = $4 || $5::bigint || '/' || substr(path, length($2) + 1), updated_at = now(),
            parent_id = CASE WHEN id = $5 THEN $6 ELSE parent_id END
        WHERE tenant_id = $1 AND path >= $2 AND path < $3";
    let old = &top.path;
    let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&top.tenant.0, &old.as_str(), &end_of(old), &parent.path.as_str(), &top.id.0, &parent.id.0];
    sql::execute(tx, SQL, params).await?;
    Ok(())
}

/// Removes an organisation to which nothing belongs; else it is a foreign key violation.
pub async fn delete(tx: &Tx<'_>, id: OrganisationId) -> Result<(), StoreError> {
    const SQL: &str = "/* organisations::delete */ DELETE FROM organisations WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0]).await?;
    Ok(())
}

/// The organisations right below one after `after`, by id.
pub async fn children(
    client: &impl GenericClient,
    parent: OrganisationId,
    after: i64,
    limit: i64,
) -> Result<Vec<Organisation>, StoreError> {
    const SQL: &str = concat!(
        "/* organisations::children */ SELECT ",
        organisation_columns!(),
        " FROM organisations o WHERE o.parent_id = $1 AND o.id > $2 ORDER BY o.id LIMIT $3"
    );
    read_all(&sql::query(client, SQL, &[&parent.0, &after, &limit]).await?)
}
