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

/// Entries within reach before `before`, newest first, `limit` at most.
pub async fn list(
    client: &impl GenericClient,
    reach: &Reach,
    before: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>, StoreError> {
    const SQL: &str = concat!(
        "/* audit::list */ SELECT e.id, e.tenant_id, e.actor, e.via, e.address, e.action, e.subject_kind, e.subject, e.devices,
            e.detail, e.noted_at
        FROM audit_entries e LEFT JOIN organisations o ON o.id = e.organisation_id
        WHERE ",
        within_reach!("e"),
        " AND e.id < $4 ORDER BY e.id DESC LIMIT $5"
    );
    let reach = reach.parameters();
    let rows = sql::query(client, SQL, &[&reach.tenant, &reach.first, &reach.end, &before, &limit]).await?;
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
    Ok(rows.iter().map(entry).collect())
}
