//! Applications go: marked at once, and gone when their devices were told.

use drover_domain::ApplicationId;

use crate::{GenericClient, StoreError, Tx, sql};

/// Marks an application as being removed.
pub async fn begin_removal(tx: &Tx<'_>, id: ApplicationId) -> Result<(), StoreError> {
    const SQL: &str =
        "/* applications::begin_removal */ UPDATE applications SET removing_at = now(), updated_at = now()
        WHERE id = $1 AND removing_at IS NULL";
    sql::execute(tx, SQL, &[&id.0]).await?;
    Ok(())
}

/// Whether an application was ever pushed to a device that may still have it.
pub async fn has_holders(client: &impl GenericClient, id: ApplicationId) -> Result<bool, StoreError> {
    const SQL: &str =
        "/* applications::has_holders */ SELECT EXISTS (SELECT FROM app_installs WHERE application_id = $1)";
    Ok(sql::query_one(client, SQL, &[&id.0]).await?.get(0))
}

/// Applications after `after` that are being removed, `limit` at most.
pub async fn removing(
    client: &impl GenericClient,
    after: ApplicationId,
    limit: i64,
) -> Result<Vec<ApplicationId>, StoreError> {
    const SQL: &str = "/* applications::removing */ SELECT id FROM applications
        WHERE removing_at IS NOT NULL AND deleted_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
    let found = sql::query(client, SQL, &[&after.0, &limit]).await?;
    Ok(found.iter().map(|row| ApplicationId(row.get(0))).collect())
}

/// Forgets what some devices had of an application that is being removed. Returns how many devices that were: fewer than
/// `limit` are the last.
pub async fn forget_holders(tx: &Tx<'_>, id: ApplicationId, limit: i64) -> Result<u64, StoreError> {
    const SQL: &str = "/* applications::forget_holders */ DELETE FROM app_installs WHERE application_id = $1
        AND device_id = ANY(ARRAY(SELECT device_id FROM app_installs WHERE application_id = $1
            ORDER BY device_id LIMIT $2 FOR UPDATE))";
    sql::execute(tx, SQL, &[&id.0, &limit]).await
}

/// Hides an application that no device is told of any more, and lets go of its files, which the sweep takes then. Jobs that
/// ended still name it and its releases. `false`: it is gone already, or was never being removed.
pub async fn make_gone(tx: &Tx<'_>, id: ApplicationId) -> Result<bool, StoreError> {
    const GONE: &str = "/* applications::make_gone */ UPDATE applications SET deleted_at = now(), updated_at = now()
        WHERE id = $1 AND removing_at IS NOT NULL AND deleted_at IS NULL";
    const FILES: &str = "/* applications::make_gone files */ UPDATE app_releases SET file_id = NULL, icon_id = NULL
        WHERE application_id = $1";
    const CATEGORIES: &str =
        "/* applications::make_gone categories */ DELETE FROM app_category_members WHERE application_id = $1";
    const TALLIES: &str = "/* applications::make_gone tallies */ DELETE FROM app_tallies WHERE application_id = $1";
    let is_gone = sql::execute(tx, GONE, &[&id.0]).await? == 1;
    if is_gone {
        for statement in [FILES, CATEGORIES, TALLIES] {
            sql::execute(tx, statement, &[&id.0]).await?;
        }
    }
    Ok(is_gone)
}
