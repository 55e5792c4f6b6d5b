//! Users, groups and labels that a caller names, and whether it may.

use super::scope::Scope;
use crate::{GenericClient, StoreError, sql};

/// Those of `users` that are not in scope, the first `limit` of them.
pub async fn unknown_users(
    client: &impl GenericClient,
    scope: &Scope,
    users: &[i64],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* named::unknown_users */ SELECT given FROM unnest($2::bigint[]) AS given
        WHERE NOT EXISTS (SELECT FROM users u JOIN organisations o ON o.id = u.organisation_id
            WHERE u.id = given AND u.tenant_id = $1 AND o.path >= $3 AND o.path < $4)
        ORDER BY given LIMIT $5";
    ids(client, SQL, scope, users, limit).await
}

/// Those of `groups` that are not in scope, the first `limit` of them.
pub async fn unknown_groups(
    client: &impl GenericClient,
    scope: &Scope,
    groups: &[i64],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* named::unknown_groups */ SELECT given FROM unnest($2::bigint[]) AS given
        WHERE NOT EXISTS (SELECT FROM user_groups s JOIN organisations o ON o.id = s.organisation_id
            WHERE s.id = given AND s.tenant_id = $1 AND o.path >= $3 AND o.path < $4)
        ORDER BY given LIMIT $5";
    ids(client, SQL, scope, groups, limit).await
}

/// Those of `labels` that are not in scope, the first `limit` of them.
pub async fn unknown_labels(
    client: &impl GenericClient,
    scope: &Scope,
    labels: &[i64],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* named::unknown_labels */ SELECT given FROM unnest($2::bigint[]) AS given
        WHERE NOT EXISTS (SELECT FROM labels s JOIN organisations o ON o.id = s.organisation_id
            WHERE s.id = given AND s.tenant_id = $1 AND o.path >= $3 AND o.path < $4)
        ORDER BY given LIMIT $5";
    ids(client, SQL, scope, labels, limit).await
}

/// Those of `labels` that no user in scope bears, the first `limit` of them. A label is looked at up to its first such user.
pub async fn labels_without_users(
    client: &impl GenericClient,
    scope: &Scope,
    labels: &[i64],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* named::labels_without_users */ SELECT given FROM unnest($2::bigint[]) AS given
        WHERE NOT EXISTS (SELECT FROM label_members m JOIN users u ON u.id = m.user_id
            JOIN organisations o ON o.id = u.organisation_id
            WHERE m.label_id = given AND u.tenant_id = $1 AND o.path >= $3 AND o.path < $4)
        ORDER BY given LIMIT $5";
    ids(client, SQL, scope, labels, limit).await
}

async fn ids(
    client: &impl GenericClient,
    statement: &'static str,
    scope: &Scope,
    given: &[i64],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&scope.tenant.0, &given, &scope.first(), &scope.end(), &limit];
    Ok(sql::query(client, statement, &parameters).await?.iter().map(|row| row.get(0)).collect())
}
