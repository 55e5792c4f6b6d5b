//! Credentials of callers and devices.

mod applications;

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{DeviceId, TenantId};

use crate::{GenericClient, StoreError, sql};
pub use applications::{TopApplication, revoke, sealed_secret, top_application};

/// A new credential.
#[derive(Debug, Clone)]
pub struct NewCredential<'a> {
    /// Its owner.
    pub tenant: TenantId,
    /// `aep`, `token`, `top` or `device`.
    pub kind: &'a str,
    /// What the caller shows.
    pub key_id: &'a str,
    /// The device that it is for.
    pub device: Option<DeviceId>,
    /// The secret, sealed; for callers that sign.
    pub sealed_secret: Option<&'a [u8]>,
    /// The secret's hash; for callers that show it.
    pub secret_sha256: Option<&'a [u8]>,
    /// Whether it may sign with MD5; for callers of the TOP gateway.
    pub allows_md5: bool,
    /// How many calls a second of it each process answers, more than 0; `None` is as configured.
    pub calls_per_s: Option<i32>,
}

/// Adds a credential. A key that is taken is a unique violation.
pub async fn insert(client: &impl GenericClient, new: &NewCredential<'_>) -> Result<(), StoreError> {
    const SQL: &str = "/* credentials::insert */
        INSERT INTO credentials (tenant_id, kind, key_id, device_id, sealed_secret, secret_sha256, allows_md5, calls_per_s)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let device = new.device.map(|device| device.0);
    sql::execute(
        client,
        SQL,
        &[
            &new.tenant.0,
            &new.kind,
            &new.key_id,
            &device,
            &new.sealed_secret,
            &new.secret_sha256,
            &new.allows_md5,
            &new.calls_per_s,
        ],
    )
    .await?;
    Ok(())
}

/// A device and the token that it shows.
#[derive(Debug, Clone)]
pub struct DeviceToken {
    /// Its owner.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// The token's hash.
    pub token_sha256: Vec<u8>,
}

/// The token of the device that calls itself `uuid`, unless it was revoked or the device is no more; one that is leaving
/// is let in until it has left. One look-up by the unique key, and one by the device's.
pub async fn device_token(client: &impl GenericClient, uuid: &str) -> Result<Option<DeviceToken>, StoreError> {
    const SQL: &str = "/* credentials::device_token */ SELECT d.tenant_id, d.id, c.secret_sha256
        FROM credentials c JOIN devices d ON d.id = c.device_id
        WHERE c.kind = 'device' AND c.key_id = $1 AND c.revoked_at IS NULL
            AND (d.status <> 'deregistered' OR COALESCE(d.leaving_until > now(), false))";
    let token = |row: tokio_postgres::Row| DeviceToken {
        tenant: TenantId(row.get(0)),
        device: DeviceId(row.get(1)),
        token_sha256: row.get(2),
    };
    Ok(sql::query_opt(client, SQL, &[&uuid]).await?.map(token))
}

/// Gives a device whose token was revoked a new one. `false` when its token is good, or it never had one. What is to be
/// done because of the old one stays to be done.
pub async fn renew_device_token(
    client: &impl GenericClient,
    uuid: &str,
    token_sha256: &[u8],
) -> Result<bool, StoreError> {
    const SQL: &str = "/* credentials::renew_device_token */
        UPDATE credentials SET secret_sha256 = $2, created_at = now(), revoked_at = NULL
        WHERE kind = 'device' AND key_id = $1 AND revoked_at IS NOT NULL";
    Ok(sql::execute(client, SQL, &[&uuid, &token_sha256]).await? == 1)
}

/// Revokes a device's token, now or once more: either way its connections are to be ended. `false` when it has none.
pub async fn revoke_device_token(client: &impl GenericClient, uuid: &str) -> Result<bool, StoreError> {
    const SQL: &str = "/* credentials::revoke_device_token */
        UPDATE credentials SET revoked_at = COALESCE(revoked_at, now()), cut_off_since = now(), cut_off_due_at = now()
        WHERE kind = 'device' AND key_id = $1";
    Ok(sql::execute(client, SQL, &[&uuid]).await? == 1)
}

/// A device whose connections are to be ended.
#[derive(Debug, Clone)]
pub struct CutOff {
    id: i64,
    since: DateTime<Utc>,
    /// What it calls itself.
    pub uuid: String,
}

/// Takes up to `limit` devices whose connections are to be ended now; nobody else gets them before `lease` is over.
pub async fn claim_cut_offs(
    client: &impl GenericClient,
    limit: i64,
    lease: Duration,
) -> Result<Vec<CutOff>, StoreError> {
    const SQL: &str = "/* credentials::claim_cut_offs */
        UPDATE credentials SET cut_off_due_at = now() + make_interval(secs => $2) WHERE id IN (
            SELECT id FROM credentials WHERE cut_off_due_at <= now() ORDER BY cut_off_due_at LIMIT $1
            FOR UPDATE SKIP LOCKED
        ) RETURNING id, cut_off_since, key_id";
    let rows = sql::query(client, SQL, &[&limit, &lease.as_secs_f64()]).await?;
    Ok(rows.iter().map(|row| CutOff { id: row.get(0), since: row.get(1), uuid: row.get(2) }).collect())
}

/// Notes that a device's connections were ended. They are ended once more when `settled_after` has passed since the
/// revocation, unless it had: until then somebody may have been let in who was revoked. A revocation in between starts anew.
pub async fn note_cut_off(
    client: &impl GenericClient,
    cut_off: &CutOff,
    settled_after: Duration,
) -> Result<(), StoreError> {
    const SQL: &str = "/* credentials::note_cut_off */
        UPDATE credentials SET cut_off_since = CASE WHEN settled_at <= now() THEN NULL ELSE cut_off_since END,
            cut_off_due_at = CASE WHEN settled_at <= now() THEN NULL ELSE settled_at END
        FROM (VALUES ($2::timestamptz + make_interval(secs => $3))) AS settled (settled_at)
        WHERE id = $1 AND cut_off_since = $2";
    sql::execute(client, SQL, &[&cut_off.id, &cut_off.since, &settled_after.as_secs_f64()]).await?;
    Ok(())
}

/// How many devices wait for their connections to be ended; counts up to `limit`.
pub async fn waiting_cut_offs(client: &impl GenericClient, limit: i64) -> Result<i64, StoreError> {
    const SQL: &str = "/* credentials::waiting_cut_offs */
        SELECT count(*) FROM (
            -- The order asks for the index, whatever the planner believes of how many there are.
            SELECT FROM credentials WHERE cut_off_due_at IS NOT NULL ORDER BY cut_off_due_at LIMIT $1
        ) AS waiting";
    Ok(sql::query_one(client, SQL, &[&limit]).await?.get(0))
}
