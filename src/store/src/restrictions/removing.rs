//! Black and white lists go: first from the devices, then here.

use drover_domain::RestrictionId;

use crate::{StoreError, Tx, sql};

/// Says that a list goes as soon as its devices were told to drop it. It is disabled.
pub async fn mark_removing(tx: &Tx<'_>, id: RestrictionId) -> Result<(), StoreError> {
    const SQL: &str =
        "/* restrictions::mark_removing */ UPDATE restrictions SET removing_at = now(), is_enabled = false,
        updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0]).await?;
    Ok(())
}

/// The next list that goes after `after`, locked; those that another timekeeper holds are its own.
pub async fn next_removing(tx: &Tx<'_>, after: RestrictionId) -> Result<Option<RestrictionId>, StoreError> {
    const SQL: &str = "/* restrictions::next_removing */ SELECT id FROM restrictions
        WHERE removing_at IS NOT NULL AND deleted_at IS NULL AND id > $1
        ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED";
    Ok(sql::query_opt(tx, SQL, &[&after.0]).await?.map(|row| RestrictionId(row.get(0))))
}

/// Forgets who has a list, `limit` devices at most. Returns whether there may be more.
pub async fn forget_holders(tx: &Tx<'_>, id: RestrictionId, limit: i64) -> Result<bool, StoreError> {
    const SQL: &str = "/* restrictions::forget_holders */ DELETE FROM restriction_installs
        WHERE restriction_id = $1 AND device_id = ANY(ARRAY(SELECT device_id FROM restriction_installs
            WHERE restriction_id = $1 ORDER BY device_id LIMIT $2))";
    let forgotten = sql::execute(tx, SQL, &[&id.0, &limit]).await?;
    Ok(i64::try_from(forgotten).is_ok_and(|forgotten| forgotten == limit))
}

/// Removes a list. Jobs that ended still name it, so its row is hidden.
pub async fn mark_deleted(tx: &Tx<'_>, id: RestrictionId) -> Result<(), StoreError> {
    const LIST: &str = "/* restrictions::mark_deleted */ UPDATE restrictions SET deleted_at = now(),
        removing_at = COALESCE(removing_at, now()), is_enabled = false, updated_at = now() WHERE id = $1";
    const LISTED: &str =
        "/* restrictions::mark_deleted listed */ DELETE FROM restriction_apps WHERE restriction_id = $1";
    sql::execute(tx, LIST, &[&id.0]).await?;
    sql::execute(tx, LISTED, &[&id.0]).await?;
    Ok(())
}
