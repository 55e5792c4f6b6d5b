//! Tokens for many devices at a time.

use drover_domain::{DeviceId, ProductId, TenantId};

use crate::{GenericClient, StoreError, sql};

/// A device that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The device.
    pub device: DeviceId,
    /// What it calls itself.
    pub uuid: String,
    /// Whether it may get a token: its name begins as asked for, and it is still enrolled.
    pub is_wanted: bool,
}

/// A token to store.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The device.
    pub device: DeviceId,
    /// What it calls itself.
    pub uuid: String,
    /// The token's hash.
    pub token_sha256: Vec<u8>,
}

/// The `limit` devices of a product after `after`, by id. All of them are returned, so that a page is bounded however few
/// are wanted.
pub async fn candidates(
    client: &impl GenericClient,
    product: ProductId,
    prefix: &str,
    after: DeviceId,
    limit: i64,
) -> Result<Vec<Candidate>, StoreError> {
    const SQL: &str = "/* devices::tokens::candidates */
        WITH page AS (SELECT id, uuid, status FROM devices WHERE product_id = $1 AND id > $3 ORDER BY id LIMIT $4)
        SELECT id, uuid, starts_with(uuid, $2) AND status <> 'deregistered' AS is_wanted FROM page ORDER BY id";
    let rows = sql::query(client, SQL, &[&product.0, &prefix, &after.0, &limit]).await?;
    let candidate = |row: &tokio_postgres::Row| Candidate {
        device: DeviceId(row.get("id")),
        uuid: row.get("uuid"),
        is_wanted: row.get("is_wanted"),
    };
    Ok(rows.iter().map(candidate).collect())
}

/// Stores tokens. Returns the uuids whose token was stored: the others have one, or had one that was revoked, and then they
/// stay cut off. The unique key alone decides that: a question before would be asked in vain of two callers at once.
pub async fn insert(
    client: &impl GenericClient,
    tenant: TenantId,
    tokens: &[NewToken],
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "/* devices::tokens::insert */
        INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
        SELECT $1, 'device', uuid, device, token_sha256
        FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS given (uuid, device, token_sha256)
        ON CONFLICT (kind, key_id) DO NOTHING RETURNING key_id";
    let uuids: Vec<&str> = tokens.iter().map(|token| token.uuid.as_str()).collect();
    let devices: Vec<i64> = tokens.iter().map(|token| token.device.0).collect();
    let hashes: Vec<&[u8]> = tokens.iter().map(|token| token.token_sha256.as_slice()).collect();
    let rows = sql::query(client, SQL, &[&tenant.0, &uuids, &devices, &hashes]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
