//! Applications that sign their calls.

use drover_domain::TenantId;

use crate::{GenericClient, StoreError, sql};

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

/// An application that calls the TOP gateway.
#[derive(Debug, Clone)]
pub struct TopApplication {
    /// Its owner.
    pub tenant: TenantId,
    /// What it signs with, sealed.
    pub sealed_secret: Vec<u8>,
    /// Whether it may sign with MD5.
    pub allows_md5: bool,
    /// How many calls a second of it each process answers, more than 0; `None` is as configured.
    pub calls_per_s: Option<i32>,
}

/// The application of the TOP gateway that shows this key, unless it was revoked.
pub async fn top_application(client: &impl GenericClient, app_key: &str) -> Result<Option<TopApplication>, StoreError> {
    const SQL: &str = "/* credentials::top_application */
        SELECT tenant_id, sealed_secret, allows_md5, calls_per_s FROM credentials
        WHERE kind = 'top' AND key_id = $1 AND revoked_at IS NULL";
    let application = |row: tokio_postgres::Row| TopApplication {
        tenant: TenantId(row.get(0)),
        sealed_secret: row.get(1),
        allows_md5: row.get(2),
        calls_per_s: row.get(3),
    };
    Ok(sql::query_opt(client, SQL, &[&app_key]).await?.map(application))
}

/// Revokes the key of an application, or the name of a token; once more changes nothing. `false` when there is none. Devices
/// have [a way of their own](super::revoke_device_token).
pub async fn revoke(client: &impl GenericClient, kind: &str, key_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "/* credentials::revoke */
        UPDATE credentials SET revoked_at = COALESCE(revoked_at, now())
        WHERE kind = $1 AND key_id = $2 AND device_id IS NULL";
    Ok(sql::execute(client, SQL, &[&kind, &key_id]).await? == 1)
}
