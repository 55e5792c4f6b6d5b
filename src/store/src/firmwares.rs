//! Firmware files.

use drover_domain::{FirmwareId, ProductId};

use crate::{
    Firmware, GenericClient, Page, Paged, Product, StoreError,
    rows::{self, firmware_columns},
    sql,
};

/// A stored file to be made known.
#[derive(Debug, Clone)]
pub struct NewFirmware<'a> {
    /// Its name.
    pub name: &'a str,
    /// The version it brings.
    pub version: &'a str,
    /// Free text.
    pub description: &'a str,
    /// The name it was uploaded under.
    pub file_name: &'a str,
    /// Where the object store keeps it.
    pub object_path: &'a str,
    /// Length in bytes.
    pub size_bytes: i64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: &'a str,
    /// MD5, lower-case hexadecimal.
    pub md5: &'a str,
    /// The vendor's plan number.
    pub upgrade_plan: i16,
    /// Who uploaded it.
    pub created_by: &'a str,
}

/// Makes a file known.
pub async fn insert(
    client: &impl GenericClient,
    product: &Product,
    new: &NewFirmware<'_>,
) -> Result<Firmware, StoreError> {
    const SQL: &str = concat!(
        "/* firmwares::insert */ WITH f AS (INSERT INTO firmwares (tenant_id, product_id, name, version, description, file_name,
            object_path, size_bytes, sha256, md5, upgrade_plan, created_by, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) RETURNING *) SELECT ",
        firmware_columns!(),
        " FROM f"
    );
    let row = sql::query_one(
        client,
        SQL,
        &[
            &product.tenant.0,
            &product.id.0,
            &new.name,
            &new.version,
            &new.description,
            &new.file_name,
            &new.object_path,
            &new.size_bytes,
            &new.sha256,
            &new.md5,
            &new.upgrade_plan,
            &new.created_by,
        ],
    )
    .await?;
    Ok(rows::firmware(&row))
}

/// A firmware of a product, unless it was deleted.
pub async fn get(
    client: &impl GenericClient,
    product: ProductId,
    id: FirmwareId,
) -> Result<Option<Firmware>, StoreError> {
    const SQL: &str = concat!(
        "/* firmwares::get */ SELECT ",
        firmware_columns!(),
        " FROM firmwares f WHERE f.id = $1 AND f.product_id = $2 AND f.deleted_at IS NULL"
    );
    Ok(sql::query_opt(client, SQL, &[&id.0, &product.0]).await?.as_ref().map(rows::firmware))
}

/// A firmware by its id alone: for a download, whose link is the permission. Deleted ones are gone here too.
pub async fn get_for_download(client: &impl GenericClient, id: FirmwareId) -> Result<Option<Firmware>, StoreError> {
    const SQL: &str = concat!(
        "/* firmwares::get_for_download */ SELECT ",
        firmware_columns!(),
        " FROM firmwares f WHERE f.id = $1 AND f.deleted_at IS NULL"
    );
    Ok(sql::query_opt(client, SQL, &[&id.0]).await?.as_ref().map(rows::firmware))
}

/// One page of a product's firmwares, newest first, whose name or version contains `search`.
pub async fn page(
    client: &impl GenericClient,
    product: ProductId,
    search: Option<&str>,
    page: Page,
) -> Result<Paged<Firmware>, StoreError> {
    macro_rules! from {
        () => {
            " FROM firmwares f WHERE f.product_id = $1 AND f.deleted_at IS NULL
              AND ($2::text IS NULL OR strpos(lower(f.name), lower($2)) > 0 OR strpos(lower(f.version), lower($2)) > 0)"
        };
    }
    const LIST: &str = concat!(
        "/* firmwares::page */ SELECT ",
        firmware_columns!(),
        from!(),
        " ORDER BY f.id DESC LIMIT $3 OFFSET $4"
    );
    const COUNT: &str = concat!("/* firmwares::count */ SELECT count(*) FROM (SELECT", from!(), " LIMIT $3) counted");
    let total = sql::query_one(client, COUNT, &[&product.0, &search, &i64::from(Page::MAX_DEPTH)]).await?.get(0);
    let found = sql::query(client, LIST, &[&product.0, &search, &page.limit(), &page.offset()]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::firmware).collect() })
}

/// Changes the given texts of a firmware. Returns whether it was there.
pub async fn update(
    client: &impl GenericClient,
    product: ProductId,
    id: FirmwareId,
    (name, version, description, updated_by): (Option<&str>, Option<&str>, Option<&str>, Option<&str>),
) -> Result<bool, StoreError> {
    const SQL: &str =
        "/* firmwares::update */ UPDATE firmwares SET name = COALESCE($3, name), version = COALESCE($4, version),
        description = COALESCE($5, description), updated_by = COALESCE($6, updated_by), updated_at = now()
        WHERE id = $1 AND product_id = $2 AND deleted_at IS NULL";
    Ok(sql::execute(client, SQL, &[&id.0, &product.0, &name, &version, &description, &updated_by]).await? == 1)
}

/// What became of a wish to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Deleted,
    /// It was not there.
    NotFound,
    /// A job that has not ended needs it.
    InUse,
}

/// Hides a firmware that no unfinished job needs.
pub async fn delete(tx: &crate::Tx<'_>, product: ProductId, id: FirmwareId) -> Result<Deletion, StoreError> {
    // The lock keeps a job from being made for it meanwhile: that one takes FOR KEY SHARE by its foreign key.
    const LOCK: &str = "/* firmwares::delete lock */ SELECT FROM firmwares
        WHERE id = $1 AND product_id = $2 AND deleted_at IS NULL FOR UPDATE";
    const IN_USE: &str = "/* firmwares::delete in_use */ SELECT EXISTS (SELECT FROM jobs
        WHERE product_id = $2 AND firmware_id = $1 AND finished_at IS NULL AND deleted_at IS NULL)";
    const DELETE: &str = "/* firmwares::delete */ UPDATE firmwares SET deleted_at = now() WHERE id = $1";
    if sql::query_opt(tx, LOCK, &[&id.0, &product.0]).await?.is_none() {
        return Ok(Deletion::NotFound);
    }
    if sql::query_one(tx, IN_USE, &[&id.0, &product.0]).await?.get(0) {
        return Ok(Deletion::InUse);
    }
    sql::execute(tx, DELETE, &[&id.0]).await?;
    Ok(Deletion::Deleted)
}
