//! Who calls the MDM, application and admin APIs.

use chrono::{DateTime, Utc};
use drover_domain::{OperatorId, OrganisationId, OrganisationPath, Role, TenantId};
use tokio_postgres::Row;

use super::organisations::{self, Organisation};
use crate::{GenericClient, StoreError, rows, sql};

/// An operator with tenant and organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRecord {
    /// Who.
    pub id: OperatorId,
    /// Whose data.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The tenant's time, in minutes east of UTC.
    pub utc_offset_minutes: i16,
    /// The name to log in with.
    pub login_id: String,
    /// The display name.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Where: in this organisation and below it.
    pub organisation: Organisation,
    /// Whether it runs the installation: sees every tenant, and its queues and workers.
    pub runs_installation: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Since when it may not log in.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Columns of [`read`], for a query over [`operator_tables`].
macro_rules! operator_columns {
    () => {
        concat!(
            "p.id AS operator_id, p.tenant_id, t.name AS tenant_name, t.utc_offset_minutes, p.login_id, \
             p.name AS operator_name, p.role, p.created_at AS operator_created_at, \
             p.updated_at AS operator_updated_at, p.disabled_at, p.runs_installation, ",
            $crate::people::organisations::organisation_columns!()
        )
    };
}
pub(crate) use operator_columns;

/// Operators, each with its organisation and tenant.
macro_rules! operator_tables {
    () => {
        "operators p JOIN organisations o ON o.id = p.organisation_id JOIN tenants t ON t.id = p.tenant_id"
    };
}
pub(crate) use operator_tables;

pub(crate) fn read(row: &Row) -> Result<OperatorRecord, StoreError> {
    Ok(OperatorRecord {
        id: OperatorId(row.get("operator_id")),
        tenant: TenantId(row.get("tenant_id")),
        tenant_name: row.get("tenant_name"),
        utc_offset_minutes: row.get("utc_offset_minutes"),
        login_id: row.get("login_id"),
        name: row.get("operator_name"),
        role: rows::word(row, "role", Role::parse)?,
        organisation: organisations::read(row)?,
        runs_installation: row.get("runs_installation"),
        created_at: row.get("operator_created_at"),
        updated_at: row.get("operator_updated_at"),
        disabled_at: row.get("disabled_at"),
    })
}

/// A new operator.
#[derive(Debug, Clone)]
pub struct NewOperator<'a> {
    /// Whose data.
    pub tenant: TenantId,
    /// Where.
    pub organisation: OrganisationId,
    /// The name to log in with.
    pub login_id: &'a str,
    /// The display name.
    pub name: &'a str,
    /// What may be done.
    pub role: Role,
    /// Argon2id, in the PHC string format.
    pub password_hash: &'a str,
}

/// Adds an operator. A login that is taken is a unique violation.
pub async fn insert(client: &impl GenericClient, new: &NewOperator<'_>) -> Result<OperatorId, StoreError> {
    const SQL: &str = "/* operators::insert */
        INSERT INTO operators (tenant_id, organisation_id, login_id, name, role, password_hash)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let NewOperator { tenant, organisation, login_id, name, role, password_hash } = new;
    let row = sql::query_one(client, SQL, &[&tenant.0, &organisation.0, login_id, name, &role.as_str(), password_hash])
        .await?;
    Ok(OperatorId(row.get(0)))
}

/// An operator by tenant and login, with the hash of the password.
pub async fn by_login(
    client: &impl GenericClient,
    tenant_name: &str,
    login_id: &str,
) -> Result<Option<(OperatorRecord, String)>, StoreError> {
    const SQL: &str = concat!(
        "/* operators::by_login */ SELECT ",
        operator_columns!(),
        ", p.password_hash FROM ",
        operator_tables!(),
        " WHERE t.name = $1 AND p.login_id = $2"
    );
    match sql::query_opt(client, SQL, &[&tenant_name, &login_id]).await? {
        Some(row) => Ok(Some((read(&row)?, row.get("password_hash")))),
        None => Ok(None),
    }
}

/// An operator within `scope`.
pub async fn get(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    id: OperatorId,
) -> Result<Option<OperatorRecord>, StoreError> {
    const SQL: &str = concat!(
        "/* operators::get */ SELECT ",
        operator_columns!(),
        " FROM ",
        operator_tables!(),
        " WHERE p.id = $2 AND p.tenant_id = $1 AND o.path >= $3 AND o.path < $4"
    );
    let end = organisations::end_of(scope);
    let row = sql::query_opt(client, SQL, &[&tenant.0, &id.0, &scope.as_str(), &end]).await?;
    row.as_ref().map(read).transpose()
}

/// Operators within `scope` after `after`, `limit` at most.
pub async fn list(
    client: &impl GenericClient,
    tenant: TenantId,
    scope: &OrganisationPath,
    after: OperatorId,
    limit: i64,
) -> Result<Vec<OperatorRecord>, StoreError> {
    const SQL: &str = concat!(
        "/* operators::list */ SELECT ",
        operator_columns!(),
        " FROM ",
        operator_tables!(),
        " WHERE p.tenant_id = $1 AND p.id > $2 AND o.path >= $3 AND o.path < $4 ORDER BY p.id LIMIT $5"
    );
    let end = organisations::end_of(scope);
    let found = sql::query(client, SQL, &[&tenant.0, &after.0, &scope.as_str(), &end, &limit]).await?;
    found.iter().map(read).collect()
}

/// What of an operator may be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// The display name.
    pub name: Option<String>,
    /// What may be done.
    pub role: Option<Role>,
    /// Where.
    pub organisation: Option<OrganisationId>,
}

/// Changes an operator.
pub async fn update(client: &impl GenericClient, id: OperatorId, change: &OperatorChange) -> Result<(), StoreError> {
    const SQL: &str = "/* operators::update */ UPDATE operators SET name = COALESCE($2, name),
        role = COALESCE($3, role), organisation_id = COALESCE($4, organisation_id), updated_at = now() WHERE id = $1";
    let organisation = change.organisation.map(|id| id.0);
    sql::execute(client, SQL, &[&id.0, &change.name, &change.role.map(Role::as_str), &organisation]).await?;
    Ok(())
}

/// Gives an operator another password.
pub async fn set_password(client: &impl GenericClient, id: OperatorId, hash: &str) -> Result<(), StoreError> {
    const SQL: &str =
        "/* operators::set_password */ UPDATE operators SET password_hash = $2, updated_at = now() WHERE id = $1";
    sql::execute(client, SQL, &[&id.0, &hash]).await?;
    Ok(())
}

/// Says whether an operator may log in.
pub async fn set_disabled(client: &impl GenericClient, id: OperatorId, is_disabled: bool) -> Result<(), StoreError> {
    const SQL: &str = "/* operators::set_disabled */ UPDATE operators SET updated_at = now(),
        disabled_at = CASE WHEN $2 THEN COALESCE(disabled_at, now()) END WHERE id = $1";
    sql::execute(client, SQL, &[&id.0, &is_disabled]).await?;
    Ok(())
}

/// Says whether an operator runs the installation.
pub async fn set_runs_installation(
    client: &impl GenericClient,
    id: OperatorId,
    runs_installation: bool,
) -> Result<(), StoreError> {
    const SQL: &str =
        "/* operators::set_runs_installation */ UPDATE operators SET runs_installation = $2, updated_at = now()
        WHERE id = $1";
    sql::execute(client, SQL, &[&id.0, &runs_installation]).await?;
    Ok(())
}

/// Whether somebody else administers the tenant and may log in.
pub async fn has_other_admin(
    client: &impl GenericClient,
    tenant: TenantId,
    besides: OperatorId,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* operators::has_other_admin */ SELECT EXISTS (SELECT FROM operators
        WHERE tenant_id = $1 AND id <> $2 AND role = 'tenant_admin' AND disabled_at IS NULL)";
    Ok(sql::query_one(client, SQL, &[&tenant.0, &besides.0]).await?.get(0))
}
