//! Who did what, from where.

use chrono::{DateTime, Utc};
use drover_domain::{OperatorId, OrganisationId, TenantId};

use crate::{
    GenericClient, StoreError,
    people::reach::{Reach, within_reach},
    sql,
};

/// An entry to be written.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// Whose it was; `None`: the installation's.
    pub tenant: Option<TenantId>,
    /// Which organisation's; `None`: the tenant's as a whole.
    pub organisation: Option<OrganisationId>,
    /// Who, if it was an operator.
    pub operator: Option<OperatorId>,
    /// The name of who did it.
    pub actor: &'a str,
    /// By which way.
    pub via: &'a str,
    /// From where; empty at the command line.
    pub address: &'a str,
    /// What was done.
    pub action: &'a str,
    /// To what kind of thing.
    pub subject_kind: &'a str,
    /// To which.
    pub subject: &'a str,
    /// To how many devices, where that is known.
    pub devices: Option<i64>,
    /// More about it.
    pub detail: &'a str,
}

/// Writes an entry.
pub async fn insert(client: &impl GenericClient, new: &NewEntry<'_>) -> Result<(), StoreError> {
    const SQL: &str =
        "/* audit::insert */ INSERT INTO audit_entries (tenant_id, organisation_id, operator_id, actor, via, address,
            action, subject_kind, subject, devices, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let NewEntry { actor, via, address, action, subject_kind, subject, devices, detail, .. } = new;
    let (tenant, organisation, operator) =
        (new.tenant.map(|id| id.0), new.organisation.map(|id| id.0), new.operator.map(|id| id.0));
    sql::execute(
        client,
        SQL,
        &[&tenant, &organisation, &operator, actor, via, address, action, subject_kind, subject, devices, detail],
    )
    .await?;
    Ok(())
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The row.
    pub id: i64,
    /// Whose it was; `None`: the installation's.
    pub tenant: Option<TenantId>,
    /// The name of who did it.
    pub actor: String,
    /// By which way: `dashboard`, `api` or `command_line`.
    pub via: String,
    /// From where; empty at the command line.
    pub address: String,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which.
    pub subject: String,
    /// To how many devices, where that is known.
    pub devices: Option<i64>,
    /// More about it.
    pub detail: String,
    /// When.
    pub noted_at: DateTime<Utc>,
}

/// Entries that a page looks at when not all of the tenant's are within reach.
pub const WALK: i64 = 5_000;

/// Entries within reach before `before`, newest first, `limit` at most; and before which to go on, if there may be more. A page
/// looks at a bounded number of entries, so it may be empty while there are more.
pub async fn list(
    client: &impl GenericClient,
    reach: &Reach,
    before: i64,
    limit: i64,
) -> Result<(Vec<AuditEntry>, Option<i64>), StoreError> {
    macro_rules! page {
        ($name:literal, $source:literal) => {
            concat!(
                "/* audit::",
                $name,
                " */ WITH walked AS MATERIALIZED (SELECT * FROM audit_entries WHERE ",
                $source,
                " AND id < $4 ORDER BY id DESC LIMIT $5),
                ended AS (SELECT count(*) AS looked_at, min(id) AS last FROM walked)
                SELECT e.*, ended.looked_at, ended.last FROM ended LEFT JOIN LATERAL (
                    SELECT e.* FROM walked e
                    LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = e.organisation_id OFFSET 0) o ON true
                    WHERE ",
                within_reach!("e"),
                " ORDER BY e.id DESC LIMIT $6) e ON true ORDER BY e.id DESC"
            )
        };
    }
    const ALL: &str = page!("list", "true");
    const OF_TENANT: &str = page!("list_of_tenant", "tenant_id = $1");
    // Who sees all there is looks at no more than is shown.
    let walk = if reach.has_root() { limit } else { WALK.max(limit) };
    let statement = if reach.tenant().is_some() { OF_TENANT } else { ALL };
    let reach = reach.parameters();
    let rows =
        sql::query(client, statement, &[&reach.tenant, &reach.first, &reach.end, &before, &walk, &limit]).await?;
    let entry = |row: &tokio_postgres::Row| AuditEntry {
        id: row.get("id"),
        tenant: row.get::<_, Option<i64>>("tenant_id").map(TenantId),
        actor: row.get("actor"),
        via: row.get("via"),
        address: row.get("address"),
        action: row.get("action"),
        subject_kind: row.get("subject_kind"),
        subject: row.get("subject"),
        devices: row.get("devices"),
        detail: row.get("detail"),
        noted_at: row.get("noted_at"),
    };
    let entries: Vec<AuditEntry> =
        rows.iter().filter(|row| row.get::<_, Option<i64>>("id").is_some()).map(entry).collect();
    let is_full = i64::try_from(entries.len()).is_ok_and(|found| found == limit);
    let next = match rows.first() {
        _ if is_full => entries.last().map(|entry| entry.id),
        Some(row) if row.get::<_, i64>("looked_at") == walk => row.get("last"),
        _ => None,
    };
    Ok((entries, next))
}
