//! Policies: settings that travel with applications.

use chrono::{DateTime, Utc};
use drover_domain::{DomainType, OrganisationId, PolicyId};
use serde_json::Value;
use tokio_postgres::Row;

use super::locking::number;
use crate::{GenericClient, StoreError, Tx, people::scope::Scope, sql};

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its name, one of its kind in the tenant.
    pub name: String,
    /// The code of the organisation that administers it.
    pub organisation_code: String,
    /// Which applications it is for.
    pub domain_type: DomainType,
    /// Whether it may be pushed.
    pub is_enabled: bool,
    /// What it says, a JSON object.
    pub settings: Value,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A policy to be made.
#[derive(Debug, Clone)]
pub struct NewPolicy<'a> {
    /// Who administers it.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: &'a str,
    /// Which applications it is for.
    pub domain_type: DomainType,
    /// Whether it may be pushed.
    pub is_enabled: bool,
    /// What it says, a JSON object.
    pub settings: &'a Value,
    /// Who makes it.
    pub created_by: &'a str,
}

/// What of a policy is to be different; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct PolicyChange {
    /// Its name.
    pub name: Option<String>,
    /// Whether it may be pushed.
    pub is_enabled: Option<bool>,
    /// What it says, a JSON object.
    pub settings: Option<Value>,
}

macro_rules! columns {
    () => {
        "p.id, p.name, o.code AS organisation_code, p.domain_type, p.is_enabled, p.settings, p.created_by, p.created_at, \
         p.updated_at FROM app_policies p JOIN organisations o ON o.id = p.organisation_id"
    };
}

fn policy(row: &Row) -> Result<Policy, StoreError> {
    Ok(Policy {
        id: PolicyId(row.get("id")),
        name: row.get("name"),
        organisation_code: row.get("organisation_code"),
        domain_type: number(row, "domain_type", DomainType::from_code)?,
        is_enabled: row.get("is_enabled"),
        settings: row.get("settings"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

/// Makes a policy. A name that is taken is a unique violation.
pub async fn insert(client: &impl GenericClient, scope: &Scope, new: &NewPolicy<'_>) -> Result<PolicyId, StoreError> {
    const SQL: &str = "/* applications::policies::insert */ INSERT INTO app_policies
            (tenant_id, organisation_id, name, domain_type, is_enabled, settings, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let NewPolicy { organisation, name, domain_type, is_enabled, settings, created_by } = new;
    let domain_type = domain_type.code();
    let row = sql::query_one(
        client,
        SQL,
        &[&scope.tenant.0, &organisation.0, name, &domain_type, is_enabled, settings, created_by],
    )
    .await?;
    Ok(PolicyId(row.get(0)))
}

/// A policy in scope.
pub async fn get(client: &impl GenericClient, scope: &Scope, id: PolicyId) -> Result<Option<Policy>, StoreError> {
    const SQL: &str = concat!(
        "/* applications::policies::get */ SELECT ",
        columns!(),
        " WHERE p.id = $1 AND p.tenant_id = $2 AND o.path >= $3 AND o.path < $4"
    );
    let row = sql::query_opt(client, SQL, &[&id.0, &scope.tenant.0, &scope.first(), &scope.end()]).await?;
    row.as_ref().map(policy).transpose()
}

/// The next policies in scope after `after`, by id.
pub async fn page(
    client: &impl GenericClient,
    scope: &Scope,
    after: i64,
    limit: i64,
) -> Result<Vec<Policy>, StoreError> {
    const SQL: &str = concat!(
        "/* applications::policies::page */ SELECT ",
        columns!(),
        " WHERE p.tenant_id = $1 AND o.path >= $2 AND o.path < $3 AND p.id > $4 ORDER BY p.id LIMIT $5"
    );
    let rows = sql::query(client, SQL, &[&scope.tenant.0, &scope.first(), &scope.end(), &after, &limit]).await?;
    rows.iter().map(policy).collect()
}

/// Changes what is given. A name that is taken is a unique violation.
pub async fn update(client: &impl GenericClient, id: PolicyId, change: &PolicyChange) -> Result<(), StoreError> {
    const SQL: &str = "/* applications::policies::update */ UPDATE app_policies SET name = COALESCE($2, name),
        is_enabled = COALESCE($3, is_enabled), settings = COALESCE($4, settings), updated_at = now() WHERE id = $1";
    let PolicyChange { name, is_enabled, settings } = change;
    sql::execute(client, SQL, &[&id.0, name, is_enabled, settings]).await?;
    Ok(())
}

/// Removes a policy, unless an assignment that has not ended names it. Those that ended forget it. `false`: it is in use.
pub async fn delete(tx: &Tx<'_>, id: PolicyId) -> Result<bool, StoreError> {
    // Whoever makes an assignment of it holds its row for share; the next statement sees what they made.
    const LOCK: &str = "/* applications::policies::delete lock */ SELECT FROM app_policies WHERE id = $1 FOR UPDATE";
    const IN_USE: &str = "/* applications::policies::delete in use */ SELECT FROM assignments
        WHERE policy_id = $1 AND ended_at IS NULL LIMIT 1";
    const FORGET: &str = "/* applications::policies::delete forget */ UPDATE assignments SET policy_id = NULL
        WHERE policy_id = $1";
    const SQL: &str = "/* applications::policies::delete */ DELETE FROM app_policies WHERE id = $1";
    sql::query_opt(tx, LOCK, &[&id.0]).await?;
    if sql::query_opt(tx, IN_USE, &[&id.0]).await?.is_some() {
        return Ok(false);
    }
    sql::execute(tx, FORGET, &[&id.0]).await?;
    sql::execute(tx, SQL, &[&id.0]).await?;
    Ok(true)
}
