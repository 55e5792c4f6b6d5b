//! Groups and labels: named sets of users, alike in everything but their tables.

use chrono::{DateTime, Utc};
use drover_domain::OrganisationId;
use tokio_postgres::Row;

use super::{
    scope::Scope,
    users::{User, user},
};
use crate::{GenericClient, StoreError, sql};

/// Which sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserSetKind {
    /// User groups.
    Group,
    /// Labels.
    Label,
}

impl UserSetKind {
    /// What one of them is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Label => "label",
        }
    }
}

/// A group or a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSet {
    /// Its id, among those of its kind.
    pub id: i64,
    /// Its name, one of its kind in the tenant.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// That organisation's code.
    pub organisation_code: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

fn set(row: &Row) -> UserSet {
    UserSet {
        id: row.get("id"),
        name: row.get("name"),
        description: row.get("description"),
        organisation: OrganisationId(row.get("organisation_id")),
        organisation_code: row.get("organisation_code"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}

/// One statement for each kind. `$template` names a macro that makes it of the tables' names.
macro_rules! of_kind {
    ($kind:expr, $template:ident) => {
        match $kind {
            UserSetKind::Group => {
                const SQL: &str = $template!("user_groups", "user_group_members", "group_id");
                SQL
            }
            UserSetKind::Label => {
                const SQL: &str = $template!("labels", "label_members", "label_id");
                SQL
            }
        }
    };
}
pub(super) use of_kind;

macro_rules! columns {
    () => {
        "s.id, s.name, s.description, s.organisation_id, o.code AS organisation_code, s.created_at, s.updated_at"
    };
}

/// Adds a set. A name that is taken is a unique violation.
pub async fn insert(
    client: &impl GenericClient,
    kind: UserSetKind,
    scope: &Scope,
    organisation: OrganisationId,
    (name, description): (&str, &str),
) -> Result<i64, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::insert ",
                $sets,
                " */ INSERT INTO ",
                $sets,
                " (tenant_id, organisation_id, name, description) VALUES ($1, $2, $3, $4) RETURNING id"
            )
        };
    }
    let sql = of_kind!(kind, template);
    Ok(sql::query_one(client, sql, &[&scope.tenant.0, &organisation.0, &name, &description]).await?.get(0))
}

/// A set in scope.
pub async fn get(
    client: &impl GenericClient,
    kind: UserSetKind,
    scope: &Scope,
    id: i64,
) -> Result<Option<UserSet>, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::get ",
                $sets,
                " */ SELECT ",
                columns!(),
                " FROM ",
                $sets,
                " s JOIN organisations o ON o.id = s.organisation_id
                  WHERE s.id = $2 AND s.tenant_id = $1 AND o.path >= $3 AND o.path < $4"
            )
        };
    }
    let sql = of_kind!(kind, template);
    let row = sql::query_opt(client, sql, &[&scope.tenant.0, &id, &scope.first(), &scope.end()]).await?;
    Ok(row.as_ref().map(set))
}

/// The next sets in scope after `after`, by id. A tenant has some thousands of them, and its own index finds them.
pub async fn page(
    client: &impl GenericClient,
    kind: UserSetKind,
    scope: &Scope,
    after: i64,
    limit: i64,
) -> Result<Vec<UserSet>, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::page ",
                $sets,
                " */ SELECT ",
                columns!(),
                " FROM ",
                $sets,
                " s JOIN organisations o ON o.id = s.organisation_id
                  WHERE s.tenant_id = $1 AND o.path >= $2 AND o.path < $3 AND s.id > $4 ORDER BY s.id LIMIT $5"
            )
        };
    }
    let sql = of_kind!(kind, template);
    let rows = sql::query(client, sql, &[&scope.tenant.0, &scope.first(), &scope.end(), &after, &limit]).await?;
    Ok(rows.iter().map(set).collect())
}

/// Changes what is given. `false`: it is not there. A name that is taken is a unique violation.
pub async fn update(
    client: &impl GenericClient,
    kind: UserSetKind,
    id: i64,
    organisation: Option<OrganisationId>,
    (name, description): (Option<&str>, Option<&str>),
) -> Result<bool, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::update ",
                $sets,
                " */ UPDATE ",
                $sets,
                " SET organisation_id = COALESCE($2, organisation_id), name = COALESCE($3, name),
                  description = COALESCE($4, description), updated_at = now() WHERE id = $1"
            )
        };
    }
    let organisation = organisation.map(|organisation| organisation.0);
    Ok(sql::execute(client, of_kind!(kind, template), &[&id, &organisation, &name, &description]).await? == 1)
}

/// Removes a set; its members stay. `false`: it is not there.
pub async fn delete(client: &impl GenericClient, kind: UserSetKind, id: i64) -> Result<bool, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!("/* user_sets::delete ", $sets, " */ DELETE FROM ", $sets, " WHERE id = $1")
        };
    }
    Ok(sql::execute(client, of_kind!(kind, template), &[&id]).await? == 1)
}

/// Those of `users` whose organisations are in scope; they stay until the transaction ends.
pub async fn reached(client: &impl GenericClient, scope: &Scope, users: &[i64]) -> Result<Vec<i64>, StoreError> {
    const SQL: &str =
        "/* user_sets::reached */ SELECT u.id FROM users u JOIN organisations o ON o.id = u.organisation_id
        WHERE u.id = ANY($2) AND u.tenant_id = $1 AND o.path >= $3 AND o.path < $4 FOR KEY SHARE OF u";
    let rows = sql::query(client, SQL, &[&scope.tenant.0, &users, &scope.first(), &scope.end()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Adds users to a set. Returns how many were not in it.
pub async fn add_members(
    client: &impl GenericClient,
    kind: UserSetKind,
    id: i64,
    users: &[i64],
) -> Result<u64, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::add_members ",
                $members,
                " */ INSERT INTO ",
                $members,
                " (",
                $id,
                ", user_id) SELECT $1, given FROM unnest($2::bigint[]) AS given ORDER BY given ON CONFLICT DO NOTHING"
            )
        };
    }
    sql::execute(client, of_kind!(kind, template), &[&id, &users]).await
}

/// Takes users from a set. Returns how many were in it.
pub async fn remove_members(
    client: &impl GenericClient,
    kind: UserSetKind,
    id: i64,
    users: &[i64],
) -> Result<u64, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::remove_members ",
                $members,
                " */ DELETE FROM ",
                $members,
                " WHERE ",
                $id,
                " = $1 AND user_id = ANY($2)"
            )
        };
    }
    sql::execute(client, of_kind!(kind, template), &[&id, &users]).await
}

/// The next members of a set after `after`, by id; those in scope alone.
pub async fn members(
    client: &impl GenericClient,
    kind: UserSetKind,
    scope: &Scope,
    id: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* user_sets::members ",
                $members,
                " */ SELECT u.id, u.account, u.name, u.mail, u.phone, u.organisation_id, o.code AS organisation_code,
                    u.created_at, u.updated_at FROM ",
                $members,
                " m JOIN users u ON u.id = m.user_id JOIN organisations o ON o.id = u.organisation_id WHERE m.",
                $id,
                " = $1 AND m.user_id > $2 AND o.tenant_id = $3 AND o.path >= $4 AND o.path < $5 ORDER BY m.user_id LIMIT $6"
            )
        };
    }
    let sql = of_kind!(kind, template);
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&id, &after, &scope.tenant.0, &scope.first(), &scope.end(), &limit];
    Ok(sql::query(client, sql, &parameters).await?.iter().map(user).collect())
}
