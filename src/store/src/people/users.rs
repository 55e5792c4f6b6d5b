//! The people who hold devices.

use chrono::{DateTime, Utc};
use drover_domain::{OrganisationId, UserId};
use tokio_postgres::Row;

use super::scope::{After, Scope, beginning};
use crate::{GenericClient, StoreError, sql};

/// Somebody who holds devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What callers name it by, one of its kind in the tenant.
    pub account: String,
    /// Its display name.
    pub name: String,
    /// Its mail address.
    pub mail: String,
    /// Its telephone number.
    pub phone: String,
    /// Where it belongs.
    pub organisation: OrganisationId,
    /// That organisation's code.
    pub organisation_code: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What is kept of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserValues {
    /// What callers name it by.
    pub account: String,
    /// Its display name.
    pub name: String,
    /// Its mail address.
    pub mail: String,
    /// Its telephone number.
    pub phone: String,
}

macro_rules! columns {
    () => {
        "u.id, u.account, u.name, u.mail, u.phone, u.organisation_id, o.code AS organisation_code, u.created_at, u.updated_at"
    };
}

pub(super) fn user(row: &Row) -> User {
    User {
        id: UserId(row.get("id")),
        account: row.get("account"),
        name: row.get("name"),
        mail: row.get("mail"),
        phone: row.get("phone"),
        organisation: OrganisationId(row.get("organisation_id")),
        organisation_code: row.get("organisation_code"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}

/// Adds a user. An account that is taken is a unique violation.
pub async fn insert(
    client: &impl GenericClient,
    scope: &Scope,
    organisation: OrganisationId,
    new: &UserValues,
) -> Result<UserId, StoreError> {
    const SQL: &str = "/* users::insert */ INSERT INTO users (tenant_id, organisation_id, account, name, mail, phone)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let UserValues { account, name, mail, phone } = new;
    let row = sql::query_one(client, SQL, &[&scope.tenant.0, &organisation.0, account, name, mail, phone]).await?;
    Ok(UserId(row.get(0)))
}

/// A user in scope.
pub async fn get(client: &impl GenericClient, scope: &Scope, id: UserId) -> Result<Option<User>, StoreError> {
    const SQL: &str = concat!(
        "/* users::get */ SELECT ",
        columns!(),
        " FROM users u JOIN organisations o ON o.id = u.organisation_id
          WHERE u.id = $2 AND u.tenant_id = $1 AND o.path >= $3 AND o.path < $4"
    );
    let row = sql::query_opt(client, SQL, &[&scope.tenant.0, &id.0, &scope.first(), &scope.end()]).await?;
    Ok(row.as_ref().map(user))
}

/// Locks a user in scope until the transaction ends: nobody gives it a device meanwhile.
pub async fn lock(client: &impl GenericClient, scope: &Scope, id: UserId) -> Result<Option<User>, StoreError> {
    const SQL: &str = concat!(
        "/* users::lock */ SELECT ",
        columns!(),
        " FROM users u JOIN organisations o ON o.id = u.organisation_id
          WHERE u.id = $2 AND u.tenant_id = $1 AND o.path >= $3 AND o.path < $4 FOR UPDATE OF u"
    );
    let row = sql::query_opt(client, SQL, &[&scope.tenant.0, &id.0, &scope.first(), &scope.end()]).await?;
    Ok(row.as_ref().map(user))
}

/// Changes a user that is locked. An account that is taken is a unique violation.
pub async fn update(
    client: &impl GenericClient,
    id: UserId,
    organisation: OrganisationId,
    values: &UserValues,
) -> Result<(), StoreError> {
    const SQL: &str = "/* users::update */ UPDATE users
        SET organisation_id = $2, account = $3, name = $4, mail = $5, phone = $6, updated_at = now() WHERE id = $1";
    let UserValues { account, name, mail, phone } = values;
    sql::execute(client, SQL, &[&id.0, &organisation.0, account, name, mail, phone]).await?;
    Ok(())
}

/// Whether a user holds devices.
pub async fn holds_devices(client: &impl GenericClient, id: UserId) -> Result<bool, StoreError> {
    const SQL: &str = "/* users::holds_devices */ SELECT EXISTS (SELECT FROM devices WHERE user_id = $1)";
    Ok(sql::query_one(client, SQL, &[&id.0]).await?.get(0))
}

/// Removes a user that is locked, from its groups and labels too.
pub async fn delete(client: &impl GenericClient, id: UserId) -> Result<(), StoreError> {
    const SQL: &str = "/* users::delete */ DELETE FROM users WHERE id = $1";
    sql::execute(client, SQL, &[&id.0]).await?;
    Ok(())
}

/// The next users in scope, in the order of the tree; `account` names one.
pub async fn page(
    client: &impl GenericClient,
    scope: &Scope,
    account: Option<&str>,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    const ONE: &str = concat!(
        "/* users::page one */ SELECT ",
        columns!(),
        " FROM users u JOIN organisations o ON o.id = u.organisation_id
          WHERE u.tenant_id = $1 AND u.account = $2 AND o.path >= $3 AND o.path < $4
            AND (o.path, u.id) > ($5::text, CASE WHEN o.id = $6::bigint THEN $7::bigint ELSE 0 END) LIMIT 1"
    );
    const ALL: &str = concat!(
        "/* users::page */ SELECT ",
        columns!(),
        " FROM organisations o CROSS JOIN LATERAL (
            SELECT * FROM users WHERE organisation_id = o.id AND id > CASE WHEN o.id = $5::bigint THEN $6::bigint ELSE 0 END
            ORDER BY id LIMIT $7
          ) u WHERE o.tenant_id = $1 AND o.path >= $2 AND o.path < $3 AND o.path >= $4
          ORDER BY o.path, u.id LIMIT $7"
    );
    let (path, organisation, id) = beginning(after);
    let (tenant, first, end) = (scope.tenant.0, scope.first(), scope.end());
    let rows = match account {
        Some(account) => sql::query(client, ONE, &[&tenant, &account, &first, &end, &path, &organisation, &id]).await?,
        None => sql::query(client, ALL, &[&tenant, &first, &end, &path, &organisation, &id, &limit]).await?,
    };
    Ok(rows.iter().map(user).collect())
}

/// Which columns of a file there are: the others stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a column
pub struct UserColumns {
    /// Whether each user's organisation is said; else new ones go to the given one and known ones stay.
    pub organisation: bool,
    /// Whether names are said.
    pub name: bool,
    /// Whether mail addresses are said.
    pub mail: bool,
    /// Whether telephone numbers are said.
    pub phone: bool,
}

/// Adds users, or brings those there are up to date. Each account comes once. Returns the accounts that were written, and
/// whether each is new: the others are somebody's whom the scope does not reach.
pub async fn upsert(
    client: &impl GenericClient,
    scope: &Scope,
    columns: UserColumns,
    users: &[(OrganisationId, UserValues)],
) -> Result<Vec<(String, bool)>, StoreError> {
    const SQL: &str = "/* users::upsert */
        INSERT INTO users (tenant_id, organisation_id, account, name, mail, phone)
        SELECT $1, given.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS given
        ON CONFLICT (tenant_id, account) DO UPDATE SET updated_at = now(),
            organisation_id = CASE WHEN $7 THEN excluded.organisation_id ELSE users.organisation_id END,
            name = CASE WHEN $8 THEN excluded.name ELSE users.name END,
            mail = CASE WHEN $9 THEN excluded.mail ELSE users.mail END,
            phone = CASE WHEN $10 THEN excluded.phone ELSE users.phone END
        WHERE EXISTS (SELECT FROM organisations o WHERE o.id = users.organisation_id AND o.path >= $11 AND o.path < $12)
        RETURNING account, xmax = 0 AS is_new";
    let organisations: Vec<i64> = users.iter().map(|(organisation, _)| organisation.0).collect();
    let column = |get: fn(&UserValues) -> &String| users.iter().map(|(_, user)| get(user)).collect::<Vec<_>>();
    let (accounts, names) = (column(|user| &user.account), column(|user| &user.name));
    let (mails, phones) = (column(|user| &user.mail), column(|user| &user.phone));
    let UserColumns { organisation, name, mail, phone } = columns;
    let (first, end) = (scope.first(), scope.end());
    let rows = sql::query(
        client,
        SQL,
        &[
            &scope.tenant.0,
            &organisations,
            &accounts,
            &names,
            &mails,
            &phones,
            &organisation,
            &name,
            &mail,
            &phone,
            &first,
            &end,
        ],
    )
    .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
