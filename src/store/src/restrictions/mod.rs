//! Black and white lists: applications that devices may not have, or the only ones that they may.

mod listing;
mod removing;
mod writing;

use drover_domain::{OrganisationPath, Platform, RestrictionId, RestrictionType, TenantId};
use tokio_postgres::Row;

use crate::{StoreError, Tx, applications::locking::number, rows::word, sql};

pub use crate::artifacts::ListedApp;
pub use listing::{RestrictionFilter, RestrictionRecord, page};
pub use removing::{forget_holders, mark_deleted, mark_removing, next_removing};
pub use writing::{NewRestriction, change, has_been_pushed, insert, listed, replace_listed, set_enabled};

/// The unique index that a taken name violates.
pub const NAME_TAKEN: &str = "restrictions_name";

/// What a push or a change needs to know of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Its id.
    pub id: RestrictionId,
    /// Where the organisation that administers it stands.
    pub owner: OrganisationPath,
    /// What it is for.
    pub kind: RestrictionType,
    /// Which devices it is for.
    pub platform: Platform,
    /// Its name.
    pub name: String,
    /// Whether devices are to keep to it.
    pub is_enabled: bool,
    /// Whether its devices are being told to drop it, after which it goes.
    pub is_removing: bool,
}

/// A tenant's list that was not deleted, which nobody else pushes, changes or removes before the transaction ends.
pub async fn lock(tx: &Tx<'_>, tenant: TenantId, id: RestrictionId) -> Result<Option<Restriction>, StoreError> {
    const SQL: &str = "/* restrictions::lock */ SELECT r.id, o.path, r.type, r.platform, r.name, r.is_enabled,
            r.removing_at IS NOT NULL AS is_removing
        FROM restrictions r JOIN organisations o ON o.id = r.organisation_id
        WHERE r.id = $1 AND r.tenant_id = $2 AND r.deleted_at IS NULL FOR NO KEY UPDATE OF r";
    sql::query_opt(tx, SQL, &[&id.0, &tenant.0]).await?.as_ref().map(restriction).transpose()
}

fn restriction(row: &Row) -> Result<Restriction, StoreError> {
    Ok(Restriction {
        id: RestrictionId(row.get("id")),
        owner: word(row, "path", OrganisationPath::parse)?,
        kind: number(row, "type", RestrictionType::from_code)?,
        platform: number(row, "platform", Platform::from_code)?,
        name: row.get("name"),
        is_enabled: row.get("is_enabled"),
        is_removing: row.get("is_removing"),
    })
}
