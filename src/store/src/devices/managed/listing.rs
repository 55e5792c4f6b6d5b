//! The list of an organisation's devices, page by page, each of which looks at so many devices and no more.

use drover_domain::{DeviceId, OrganisationId, UserId};
use tokio_postgres::Row;

use super::{ManagedDevice, columns, device};
use crate::{
    GenericClient, StoreError,
    people::scope::{After, Scope, beginning},
    sql,
};

/// Devices that a page looks at when it searches names, which no index helps with.
const SEARCH_DEPTH: i64 = 10_000;

/// Which devices to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceSearch {
    /// All of the scope.
    All,
    /// Those whose names begin so.
    NamePrefix(String),
    /// The one that calls itself so.
    Uuid(String),
    /// Those of one user.
    User(UserId),
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The devices.
    pub devices: Vec<ManagedDevice>,
    /// The organisation and the device that were looked at last; `None` when there is nothing behind them.
    pub next: Option<(OrganisationId, DeviceId)>,
}

/// The next devices in scope, in the order of the tree.
pub async fn page(
    client: &impl GenericClient,
    scope: &Scope,
    search: &DeviceSearch,
    after: Option<&After>,
    limit: i64,
) -> Result<Listed, StoreError> {
    let (path, organisation, id) = beginning(after);
    let (tenant, first, end) = (scope.tenant.0, scope.first(), scope.end());
    match search {
        DeviceSearch::All => {
            let rows = walk(client, scope, "", after, limit, limit).await?;
            Ok(listed(&rows, limit, limit))
        }
        DeviceSearch::NamePrefix(prefix) => {
            let rows = walk(client, scope, prefix, after, SEARCH_DEPTH, limit).await?;
            Ok(listed(&rows, SEARCH_DEPTH, limit))
        }
        DeviceSearch::Uuid(uuid) => {
            let found = super::get(client, scope, uuid).await?;
            let is_after = |found: &ManagedDevice| found.id.0 > id || found.values.organisation.0 != organisation;
            Ok(Listed { devices: found.into_iter().filter(is_after).collect(), next: None })
        }
        DeviceSearch::User(user) => {
            const SQL: &str = concat!(
                "/* devices::managed::page user */ SELECT ",
                columns!(),
                ", true AS is_found, 0::bigint AS looked_at
                  FROM devices d JOIN organisations o ON o.id = d.organisation_id LEFT JOIN users u ON u.id = d.user_id
                    LEFT JOIN products p ON p.id = d.product_id
                  WHERE d.user_id = $1 AND d.tenant_id = $2 AND o.path >= $3 AND o.path < $4
                    AND (o.path, d.id) > ($5::text, CASE WHEN o.id = $6::bigint THEN $7::bigint ELSE 0 END)
                  ORDER BY o.path, d.id LIMIT $8"
            );
            let rows =
                sql::query(client, SQL, &[&user.0, &tenant, &first, &end, &path, &organisation, &id, &limit]).await?;
            Ok(listed(&rows, i64::MAX, limit))
        }
    }
}

/// Looks at `depth` devices and returns those that fit, `limit` at most, and the last one looked at in any case. Each device
/// and user is looked up by its id: to read all of the table instead seems cheaper to the planner than it is.
async fn walk(
    client: &impl GenericClient,
    scope: &Scope,
    prefix: &str,
    after: Option<&After>,
    depth: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    const SQL: &str = concat!(
        "/* devices::managed::page */ WITH walked AS MATERIALIZED (
            SELECT d.id, row_number() OVER () AS looked_at FROM (
                SELECT d.id FROM organisations o CROSS JOIN LATERAL (
                    SELECT id FROM devices WHERE organisation_id = o.id AND id > CASE WHEN o.id = $5::bigint THEN $6::bigint ELSE 0 END
                    ORDER BY id LIMIT $7
                ) d WHERE o.tenant_id = $1 AND o.path >= $2 AND o.path < $3 AND o.path >= $4
                ORDER BY o.path, d.id LIMIT $7
            ) d
        )
        SELECT ",
        columns!(),
        ", starts_with(d.name, $8) AS is_found, walked.looked_at
          FROM walked CROSS JOIN LATERAL (SELECT * FROM devices WHERE id = walked.id OFFSET 0) d
            JOIN organisations o ON o.id = d.organisation_id
            LEFT JOIN LATERAL (SELECT account FROM users WHERE id = d.user_id OFFSET 0) u ON true
            LEFT JOIN products p ON p.id = d.product_id
          WHERE starts_with(d.name, $8) OR walked.looked_at = $7 ORDER BY walked.looked_at LIMIT $9"
    );
    let (path, organisation, id) = beginning(after);
    let (tenant, first, end) = (scope.tenant.0, scope.first(), scope.end());
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
        [&tenant, &first, &end, &path, &organisation, &id, &depth, &prefix, &limit];
    sql::query(client, SQL, &parameters).await
}

/// There is more when the page is full, or when it looked at all that it may.
fn listed(rows: &[Row], depth: i64, limit: i64) -> Listed {
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == limit);
    let next = rows.last().filter(|last| is_full || last.get::<_, i64>("looked_at") == depth);
    Listed {
        next: next.map(|last| (OrganisationId(last.get("organisation_id")), DeviceId(last.get("id")))),
        devices: rows.iter().filter(|row| row.get("is_found")).map(device).collect(),
    }
}
