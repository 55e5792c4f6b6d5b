//! Uploaded files: their names and hashes. The bytes are in the object store.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::TenantId;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{GenericClient, StoreError, Tx, sql};

/// An uploaded file. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// MD5, lower-case hexadecimal.
    pub md5: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// The name it was uploaded under first.
    pub file_name: String,
    /// Where the object store keeps it.
    pub object_path: String,
    /// When it was uploaded first.
    pub created_at: DateTime<Utc>,
}

/// Stored bytes to be made known.
#[derive(Debug, Clone)]
pub struct NewFile<'a> {
    /// Its id, if it is the first of these bytes.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: &'a str,
    /// MD5, lower-case hexadecimal.
    pub md5: &'a str,
    /// Length in bytes.
    pub size_bytes: i64,
    /// The name it was uploaded under.
    pub file_name: &'a str,
    /// Where the object store keeps it.
    pub object_path: &'a str,
    /// Who uploaded it.
    pub created_by: &'a str,
}

macro_rules! columns {
    () => {
        "id, tenant_id, sha256, md5, size_bytes, file_name, object_path, created_at"
    };
}

/// What makes a file `f` unused: nothing names it, and it was not uploaded again in the last `$2` seconds. Each file is
/// looked up by the indexes of what may name it: OFFSET keeps the planner from joining, which reads the whole table.
macro_rules! is_unused {
    () => {
        "f.uploaded_at < now() - make_interval(secs => $2)
            AND NOT EXISTS (SELECT FROM client_versions v WHERE v.file_id = f.id OFFSET 0)
            AND NOT EXISTS (SELECT FROM client_versions v WHERE v.icon_id = f.id OFFSET 0)
            AND NOT EXISTS (SELECT FROM app_releases r WHERE r.file_id = f.id OFFSET 0)
            AND NOT EXISTS (SELECT FROM app_releases r WHERE r.icon_id = f.id OFFSET 0)
            AND NOT EXISTS (SELECT FROM app_uploads u WHERE u.file_id = f.id OFFSET 0)
            AND NOT EXISTS (SELECT FROM app_uploads u WHERE u.icon_id = f.id OFFSET 0)"
    };
}

fn file(row: &Row) -> StoredFile {
    StoredFile {
        id: row.get("id"),
        tenant: TenantId(row.get("tenant_id")),
        sha256: row.get("sha256"),
        md5: row.get("md5"),
        size_bytes: row.get("size_bytes"),
        file_name: row.get("file_name"),
        object_path: row.get("object_path"),
        created_at: row.get("created_at"),
    }
}

/// Makes bytes known, unless the tenant has the same ones already: then the file that has them is returned, which is still
/// of use. One statement, so that of uploads that race one wins and all get its file.
pub async fn insert_or_find(client: &impl GenericClient, new: &NewFile<'_>) -> Result<StoredFile, StoreError> {
    const SQL: &str = concat!(
        "/* files::insert_or_find */ INSERT INTO files
            (id, tenant_id, sha256, md5, size_bytes, file_name, object_path, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, sha256) DO UPDATE SET uploaded_at = now() RETURNING ",
        columns!()
    );
    let row = sql::query_one(
        client,
        SQL,
        &[
            &new.id,
            &new.tenant.0,
            &new.sha256,
            &new.md5,
            &new.size_bytes,
            &new.file_name,
            &new.object_path,
            &new.created_by,
        ],
    )
    .await?;
    Ok(file(&row))
}

/// A tenant's file.
pub async fn get(client: &impl GenericClient, tenant: TenantId, id: Uuid) -> Result<Option<StoredFile>, StoreError> {
    const SQL: &str = concat!("/* files::get */ SELECT ", columns!(), " FROM files WHERE id = $1 AND tenant_id = $2");
    Ok(sql::query_opt(client, SQL, &[&id, &tenant.0]).await?.as_ref().map(file))
}

/// A file by its id alone: for a download, whose link is the permission.
pub async fn get_for_download(client: &impl GenericClient, id: Uuid) -> Result<Option<StoredFile>, StoreError> {
    const SQL: &str = concat!("/* files::get_for_download */ SELECT ", columns!(), " FROM files WHERE id = $1");
    Ok(sql::query_opt(client, SQL, &[&id]).await?.as_ref().map(file))
}

/// Of the `limit` files behind `after`, those that nothing names and that were not uploaded for `age`; and where to go on,
/// when there are more.
pub async fn unused(
    client: &impl GenericClient,
    age: Duration,
    after: Uuid,
    limit: i64,
) -> Result<(Vec<Uuid>, Option<Uuid>), StoreError> {
    const SQL: &str = concat!(
        "/* files::unused */ WITH f AS MATERIALIZED (
            SELECT id, uploaded_at FROM files WHERE id > $1 ORDER BY id LIMIT $3)
        SELECT id, (",
        is_unused!(),
        ") AS is_unused FROM f ORDER BY id"
    );
    let seen = sql::query(client, SQL, &[&after, &age.as_secs_f64(), &limit]).await?;
    let next = seen.last().filter(|_| i64::try_from(seen.len()) == Ok(limit)).map(|row| row.get("id"));
    let unused = seen.iter().filter(|row| row.get("is_unused")).map(|row| row.get("id")).collect();
    Ok((unused, next))
}

/// Forgets those of these files that are unused still. Returns where their bytes are.
pub async fn forget(tx: &Tx<'_>, age: Duration, ids: &[Uuid]) -> Result<Vec<String>, StoreError> {
    // Whoever makes a version of a file holds its row for share; the second statement sees what they made of it.
    const LOCK: &str = "/* files::forget lock */ SELECT FROM files WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    const DELETE: &str = concat!(
        "/* files::forget */ DELETE FROM files f WHERE f.id = ANY($1) AND ",
        is_unused!(),
        " RETURNING f.object_path"
    );
    sql::execute(tx, LOCK, &[&ids]).await?;
    let gone = sql::query(tx, DELETE, &[&ids, &age.as_secs_f64()]).await?;
    Ok(gone.iter().map(|row| row.get(0)).collect())
}

/// Those of these paths that no row needs: no file's, nor that of a firmware that is there or that a job still brings.
pub async fn unnamed(client: &impl GenericClient, paths: &[String]) -> Result<Vec<String>, StoreError> {
    // OFFSET as above: one look-up a path in each table.
    const SQL: &str = "/* files::unnamed */ SELECT path FROM unnest($1::text[]) AS path
        WHERE NOT EXISTS (SELECT FROM files f WHERE f.object_path = path OFFSET 0)
            AND NOT EXISTS (SELECT FROM firmwares f WHERE f.object_path = path AND (f.deleted_at IS NULL
                OR EXISTS (SELECT FROM jobs j WHERE j.product_id = f.product_id AND j.firmware_id = f.id
                    AND j.finished_at IS NULL AND j.deleted_at IS NULL)) OFFSET 0)";
    Ok(sql::query(client, SQL, &[&paths]).await?.iter().map(|row| row.get(0)).collect())
}
