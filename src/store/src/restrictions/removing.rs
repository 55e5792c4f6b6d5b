//! Black and white lists go: first from the devices, then here.

use drover_domain::RestrictionId;

use crate::{StoreError, Tx, sql};

/// Says that a list goes as soon as its devices were told to drop it. It is disabled and nobody is to have it any more.
pub async fn mark_removing(tx: &Tx<'_>, id: RestrictionId) -> Result<(), StoreError> {
    const LIST: &str =
        "/* restrictions::mark_removing */ UPDATE restrictions SET removing_at = now(), is_enabled = false,
        updated_at = now() WHERE id = $1";
    const WISHES: &str = "/* restrictions::mark_removing assignments */ UPDATE assignments SET ended_at = now()
        WHERE restriction_id = $1 AND ended_at IS NULL";
    sql::execute(tx, LIST, &[&id.0]).await?;
    sql::execute(tx, WISHES, &[&id.0]).await?;
    Ok(())
}

/// Lists that go and whose pushes have all ended, `limit` at most, locked; those that another timekeeper holds are its own.
pub async fn removing(tx: &Tx<'_>, limit: i64) -> Result<Vec<RestrictionId>, StoreError> {
    const SQL: &str = "/* restrictions::removing */ SELECT r.id FROM restrictions r
        WHERE r.removing_at IS NOT NULL AND r.deleted_at IS NULL AND NOT EXISTS (
            SELECT FROM jobs j WHERE j.restriction_id = r.id AND j.finished_at IS NULL)
        ORDER BY r.id LIMIT $1 FOR NO KEY UPDATE OF r SKIP LOCKED";
    let found = sql::query(tx, SQL, &[&limit]).await?;
    Ok(found.iter().map(|row| RestrictionId(row.get(0))).collect())
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
