//! Credentials of callers and devices.

use drover_domain::{DeviceId, TenantId};

use crate::{GenericClient, StoreError, sql};

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
}

/// Adds a credential. A key that is taken is a unique violation.
pub async fn insert(client: &impl GenericClient, new: &NewCredential<'_>) -> Result<(), StoreError> {
    const SQL: &str = "/* credentials::insert */
        INSERT INTO credentials (tenant_id, kind, key_id, device_id, sealed_secret, secret_sha256)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let device = new.device.map(|device| device.0);
    sql::execute(
        client,
        SQL,
        &[&new.tenant.0, &new.kind, &new.key_id, &device, &new.sealed_secret, &new.secret_sha256],
    )
    .await?;
    Ok(())
}

/// The owner and the sealed secret of a caller that signs, unless it was revoked.
pub async fn sealed_secret(
    client: &impl GenericClient,
    kind: &str,
    key_id: &str,
) -> Result<Option<(TenantId, Vec<u8>)>, StoreError> {
    const SQL: &str = "/* credentials::sealed_secret */ SELECT tenant_id, sealed_secret FROM credentials
        WHERE kind = $1 AND key_id = $2 AND revoked_at IS NULL AND sealed_secret IS NOT NULL";
    Ok(sql::query_opt(client, SQL, &[&kind, &key_id]).await?.map(|row| (TenantId(row.get(0)), row.get(1))))
}
