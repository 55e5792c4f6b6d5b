//! What somebody reaches: a part of a tenant's tree.

use drover_domain::{OrganisationId, OrganisationPath, TenantId, UserId};

use super::organisations::end_of;
use crate::{GenericClient, StoreError, sql};

/// One organisation of a tenant and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose.
    pub tenant: TenantId,
    /// The organisation.
    pub path: OrganisationPath,
}

impl Scope {
    /// The first path of the subtree.
    pub(crate) fn first(&self) -> &str {
        self.path.as_str()
    }

    /// The first path after the subtree.
    pub(crate) fn end(&self) -> String {
        end_of(&self.path)
    }
}

/// The accounts and ids of those of the named users whose organisations are in scope.
pub async fn users(
    client: &impl GenericClient,
    scope: &Scope,
    accounts: &[&str],
) -> Result<Vec<(String, UserId)>, StoreError> {
    const SQL: &str =
        "/* scope::users */ SELECT u.account, u.id FROM users u JOIN organisations o ON o.id = u.organisation_id
        WHERE u.tenant_id = $1 AND u.account = ANY($2) AND o.path >= $3 AND o.path < $4";
    let rows = sql::query(client, SQL, &[&scope.tenant.0, &accounts, &scope.first(), &scope.end()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), UserId(row.get(1)))).collect())
}

/// Lets one import of a tenant write at a time, until its transaction ends: two that wrote the same rows in different orders
/// would wait for each other. Rows that name the tenant are written meanwhile.
pub async fn take_turn(client: &impl GenericClient, tenant: TenantId) -> Result<(), StoreError> {
    const SQL: &str = "/* scope::take_turn */ SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE";
    sql::query_opt(client, SQL, &[&tenant.0]).await?;
    Ok(())
}

/// Where a page of what belongs to organisations begins: they are walked in the order of the tree, and what each has by id,
/// so that every page costs the same, however much there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The organisation that the page before ended in.
    pub organisation: OrganisationId,
    /// Where it stands.
    pub path: OrganisationPath,
    /// The last id of the page before.
    pub id: i64,
}

/// The three parameters that say where a page begins: path, organisation, id.
pub(crate) fn beginning(after: Option<&After>) -> (&str, i64, i64) {
    after.map_or(("", 0, 0), |after| (after.path.as_str(), after.organisation.0, after.id))
}
