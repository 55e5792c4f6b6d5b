//! Groups and labels that come from files, many at once.

use drover_domain::{OrganisationId, TenantId, UserId};

use super::{
    scope::Scope,
    user_sets::{UserSetKind, of_kind},
};
use crate::{GenericClient, StoreError, sql};

/// What a file says of a set; what it does not say stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidSet {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Whose it is.
    pub organisation: Option<OrganisationId>,
}

/// Adds those sets whose names are free, in `organisation` when nothing else is said. Each name comes once. Returns the names
/// of those that were added.
pub async fn add_missing(
    client: &impl GenericClient,
    kind: UserSetKind,
    tenant: TenantId,
    organisation: OrganisationId,
    sets: &[&SaidSet],
) -> Result<Vec<String>, StoreError> {
    // Those that are there are left out before the conflict would use up an id for each.
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* set_imports::add_missing ",
                $sets,
                " */ INSERT INTO ",
                $sets,
                " (tenant_id, organisation_id, name, description)
                  SELECT $1, COALESCE(given.organisation, $2), given.name, COALESCE(given.description, '')
                  FROM unnest($3::text[], $4::text[], $5::bigint[]) AS given (name, description, organisation)
                  WHERE NOT EXISTS (SELECT FROM ",
                $sets,
                " s WHERE s.tenant_id = $1 AND s.name = given.name)
                  ORDER BY given.name ON CONFLICT DO NOTHING RETURNING name"
            )
        };
    }
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let descriptions: Vec<Option<&str>> = sets.iter().map(|set| set.description.as_deref()).collect();
    let organisations: Vec<Option<i64>> = sets.iter().map(|set| set.organisation.map(|id| id.0)).collect();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&tenant.0, &organisation.0, &names, &descriptions, &organisations];
    let rows = sql::query(client, of_kind!(kind, template), &parameters).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The names and ids of those of the named sets that are in scope; nobody else changes them until the transaction ends.
pub async fn lock(
    client: &impl GenericClient,
    kind: UserSetKind,
    scope: &Scope,
    names: &[&str],
) -> Result<Vec<(String, i64)>, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* set_imports::lock ",
                $sets,
                " */ SELECT s.name, s.id FROM ",
                $sets,
                " s JOIN organisations o ON o.id = s.organisation_id
                  WHERE s.tenant_id = $1 AND s.name = ANY($2) AND o.path >= $3 AND o.path < $4
                  ORDER BY s.name FOR NO KEY UPDATE OF s"
            )
        };
    }
    let sql = of_kind!(kind, template);
    let rows = sql::query(client, sql, &[&scope.tenant.0, &names, &scope.first(), &scope.end()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Lets nobody else change a set until the transaction ends: members that two add in different orders would have them wait for
/// each other. `false`: it is not there.
pub async fn lock_one(client: &impl GenericClient, kind: UserSetKind, id: i64) -> Result<bool, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!("/* set_imports::lock_one ", $sets, " */ SELECT FROM ", $sets, " WHERE id = $1 FOR NO KEY UPDATE")
        };
    }
    Ok(sql::query_opt(client, of_kind!(kind, template), &[&id]).await?.is_some())
}

/// Brings sets up to date, and leaves those alone that are.
pub async fn update(
    client: &impl GenericClient,
    kind: UserSetKind,
    sets: &[(i64, &SaidSet)],
) -> Result<(), StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* set_imports::update ",
                $sets,
                " */ UPDATE ",
                $sets,
                " s SET description = COALESCE(given.description, s.description),
                    organisation_id = COALESCE(given.organisation, s.organisation_id), updated_at = now()
                  FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS given (id, description, organisation)
                  WHERE s.id = given.id AND (given.description <> s.description OR given.organisation <> s.organisation_id)"
            )
        };
    }
    let ids: Vec<i64> = sets.iter().map(|(id, _)| *id).collect();
    let descriptions: Vec<Option<&str>> = sets.iter().map(|(_, set)| set.description.as_deref()).collect();
    let organisations: Vec<Option<i64>> = sets.iter().map(|(_, set)| set.organisation.map(|id| id.0)).collect();
    sql::execute(client, of_kind!(kind, template), &[&ids, &descriptions, &organisations]).await?;
    Ok(())
}

/// The accounts and ids of those of the named users whose organisations are in scope; they stay until the transaction ends.
pub async fn reached(
    client: &impl GenericClient,
    scope: &Scope,
    accounts: &[&str],
) -> Result<Vec<(String, UserId)>, StoreError> {
    const SQL: &str =
        "/* set_imports::reached */ SELECT u.account, u.id FROM users u JOIN organisations o ON o.id = u.organisation_id
        WHERE u.tenant_id = $1 AND u.account = ANY($2) AND o.path >= $3 AND o.path < $4 ORDER BY u.id FOR KEY SHARE OF u";
    let rows = sql::query(client, SQL, &[&scope.tenant.0, &accounts, &scope.first(), &scope.end()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), UserId(row.get(1)))).collect())
}

/// Adds users to sets. Returns those pairs of a set and a user that were not there.
pub async fn add_members(
    client: &impl GenericClient,
    kind: UserSetKind,
    members: &[(i64, UserId)],
) -> Result<Vec<(i64, UserId)>, StoreError> {
    macro_rules! template {
        ($sets:literal, $members:literal, $id:literal) => {
            concat!(
                "/* set_imports::add_members ",
                $members,
                " */ INSERT INTO ",
                $members,
                " (",
                $id,
                ", user_id) SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS given (id, user_id)
                  ORDER BY id, user_id ON CONFLICT DO NOTHING RETURNING ",
                $id,
                ", user_id"
            )
        };
    }
    let (sets, users): (Vec<i64>, Vec<i64>) = members.iter().map(|(set, user)| (*set, user.0)).unzip();
    let rows = sql::query(client, of_kind!(kind, template), &[&sets, &users]).await?;
    Ok(rows.iter().map(|row| (row.get(0), UserId(row.get(1)))).collect())
}
