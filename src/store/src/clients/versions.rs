//! Versions of client programs.

use drover_domain::{ClientGroupId, ClientVersionId, TenantId};
use uuid::Uuid;

use super::{
    ClientVersion, Sort,
    rows::{self, version_columns, versions},
};
use crate::{GenericClient, Page, Paged, StoreError, Tx, sql};

/// A version to be added to a group.
#[derive(Debug, Clone)]
pub struct NewVersion<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// The program that it is a version of.
    pub group: ClientGroupId,
    /// Its file, which is the tenant's.
    pub file: Uuid,
    /// The file of its icon, which is the tenant's too.
    pub icon: Option<Uuid>,
    /// Its package.
    pub package_name: &'a str,
    /// The name of its file.
    pub app_name: &'a str,
    /// Its number.
    pub version_code: i32,
    /// Its number as people write it.
    pub version_name: &'a str,
    /// What is new in it.
    pub update_info: &'a str,
    /// Free text.
    pub remark: &'a str,
    /// Who uploads it.
    pub created_by: &'a str,
}

/// The unique index that a taken number violates.
pub const CODE_TAKEN: &str = "client_versions_code_idx";

/// Adds a version. A number that a version of the group has which is not void is a violation of [`CODE_TAKEN`].
pub async fn insert(tx: &Tx<'_>, new: &NewVersion<'_>) -> Result<ClientVersionId, StoreError> {
    const SQL: &str =
        "/* clients::versions::insert */ INSERT INTO client_versions (tenant_id, group_id, file_id, icon_id,
            package_name, app_name, version_code, version_name, update_info, remark, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    let row = sql::query_one(
        tx,
        SQL,
        &[
            &new.tenant.0,
            &new.group.0,
            &new.file,
            &new.icon,
            &new.package_name,
            &new.app_name,
            &new.version_code,
            &new.version_name,
            &new.update_info,
            &new.remark,
            &new.created_by,
        ],
    )
    .await?;
    Ok(ClientVersionId(row.get(0)))
}

/// A tenant's version, void or not.
pub async fn get(
    client: &impl GenericClient,
    tenant: TenantId,
    id: ClientVersionId,
) -> Result<Option<ClientVersion>, StoreError> {
    const SQL: &str = concat!(
        "/* clients::versions::get */ SELECT ",
        version_columns!(),
        versions!(),
        "WHERE v.id = $1 AND v.tenant_id = $2"
    );
    sql::query_opt(client, SQL, &[&id.0, &tenant.0]).await?.as_ref().map(rows::version).transpose()
}

/// The package of a group, which all its versions share but for void ones; `None` when every version is void.
pub async fn package(client: &impl GenericClient, group: ClientGroupId) -> Result<Option<String>, StoreError> {
    const SQL: &str = "/* clients::versions::package */ SELECT package_name FROM client_versions
        WHERE group_id = $1 AND void_at IS NULL ORDER BY id LIMIT 1";
    Ok(sql::query_opt(client, SQL, &[&group.0]).await?.map(|row| row.get(0)))
}

/// The package that devices have of a group: its own, or that of the version that was withdrawn last, which may still be under
/// way to them.
pub async fn package_on_devices(
    client: &impl GenericClient,
    group: ClientGroupId,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "/* clients::versions::package_on_devices */ SELECT COALESCE(
        (SELECT package_name FROM client_versions WHERE group_id = $1 AND void_at IS NULL ORDER BY id LIMIT 1),
        (SELECT package_name FROM client_versions WHERE group_id = $1 ORDER BY id DESC LIMIT 1))";
    Ok(sql::query_one(client, SQL, &[&group.0]).await?.get(0))
}

/// What a list of versions can be sorted by. What all versions of a group have in common puts none before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionKey {
    /// Its id.
    Id,
    /// Its file.
    File,
    /// Its package.
    PackageName,
    /// The name of its file.
    AppName,
    /// The file of its icon; those without one before all others.
    Icon,
    /// Its number.
    VersionCode,
    /// Its number as people write it.
    VersionName,
    /// Length of its file.
    Size,
    /// When it was uploaded or withdrawn.
    UpdatedAt,
    /// What is new in it.
    UpdateInfo,
    /// Free text.
    Remark,
    /// Void ones before the others.
    Status,
}

/// One page of a group's versions, void ones too.
pub async fn page(
    client: &impl GenericClient,
    group: ClientGroupId,
    sort: Sort<VersionKey>,
    page: Page,
) -> Result<Paged<ClientVersion>, StoreError> {
    macro_rules! list {
        ($column:literal, $direction:literal) => {
            concat!(
                "/* clients::versions::page */ SELECT ",
                version_columns!(),
                versions!(),
                "WHERE v.group_id = $1 ORDER BY ",
                $column,
                $direction,
                " LIMIT $2 OFFSET $3"
            )
        };
    }
    macro_rules! sorted {
        ($($key:ident => $column:literal),+) => {
            match sort.key {
                $(VersionKey::$key if sort.descending => list!($column, " DESC, v.id DESC"),
                VersionKey::$key => list!($column, " ASC, v.id ASC"),)+
            }
        };
    }
    const COUNT: &str = "/* clients::versions::count */ SELECT count(*) FROM
        (SELECT FROM client_versions WHERE group_id = $1 LIMIT $2) counted";
    let list = sorted!(
        Id => "v.id", File => "v.file_id", PackageName => "v.package_name", AppName => "v.app_name",
        Icon => "COALESCE(v.icon_id::text, '')", VersionCode => "v.version_code", VersionName => "v.version_name",
        Size => "f.size_bytes", UpdatedAt => "v.updated_at", UpdateInfo => "v.update_info", Remark => "v.remark",
        Status => "v.void_at IS NULL"
    );
    let total = sql::query_one(client, COUNT, &[&group.0, &i64::from(Page::MAX_DEPTH)]).await?.get(0);
    let found = sql::query(client, list, &[&group.0, &page.limit(), &page.offset()]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::version).collect::<Result<_, _>>()? })
}

/// What a version needs to know of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// Its id.
    pub id: Uuid,
    /// Length in bytes.
    pub size_bytes: i64,
    /// The name it was uploaded under.
    pub file_name: String,
}

/// Those of these files that are the tenant's. Nobody forgets them before the transaction ends, so that a version may name
/// them; locked by id, as every transaction does.
pub async fn lock_files(tx: &Tx<'_>, tenant: TenantId, ids: &[Uuid]) -> Result<Vec<VersionFile>, StoreError> {
    const SQL: &str = "/* clients::versions::lock_files */ SELECT id, size_bytes, file_name FROM files
        WHERE id = ANY($1) AND tenant_id = $2 ORDER BY id FOR KEY SHARE";
    let found = sql::query(tx, SQL, &[&ids, &tenant.0]).await?;
    let file = |row: &tokio_postgres::Row| VersionFile {
        id: row.get("id"),
        size_bytes: row.get("size_bytes"),
        file_name: row.get("file_name"),
    };
    Ok(found.iter().map(file).collect())
}
