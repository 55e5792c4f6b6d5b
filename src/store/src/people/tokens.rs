//! The tokens that operators call with. Only their hashes are kept.

use std::time::Duration;

use drover_domain::OperatorId;

use super::operators::{self, OperatorRecord, operator_columns, operator_tables};
use crate::{GenericClient, StoreError, sql};

/// Adds a token that lives for `life`, if its operator may log in still and the password is still the one it was made for.
/// Both are looked at here, so that no token outlives a change of them that happened meanwhile.
pub async fn insert(
    client: &impl GenericClient,
    operator: OperatorId,
    password_hash: &str,
    token_sha256: &[u8],
    life: Duration,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* tokens::insert */ WITH bearer AS (
            SELECT id FROM operators WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL FOR SHARE
        )
        INSERT INTO access_tokens (operator_id, token_sha256, expires_at)
            SELECT id, $3, now() + make_interval(secs => $4) FROM bearer";
    let added = sql::execute(client, SQL, &[&operator.0, &password_hash, &token_sha256, &life.as_secs_f64()]).await?;
    Ok(added == 1)
}

/// Whose token it is and how long it is still good, unless it was revoked or is over, or its operator was disabled.
pub async fn operator(
    client: &impl GenericClient,
    token_sha256: &[u8],
) -> Result<Option<(OperatorRecord, Duration)>, StoreError> {
    const SQL: &str = concat!(
        "/* tokens::operator */ SELECT ",
        operator_columns!(),
        ", EXTRACT(epoch FROM k.expires_at - now())::float8 AS left_s
        FROM ",
        operator_tables!(),
        " JOIN access_tokens k ON k.operator_id = p.id
        WHERE k.token_sha256 = $1 AND k.revoked_at IS NULL AND k.expires_at > now() AND p.disabled_at IS NULL"
    );
    let Some(row) = sql::query_opt(client, SQL, &[&token_sha256]).await? else { return Ok(None) };
    let left = Duration::try_from_secs_f64(row.get("left_s")).unwrap_or_default();
    Ok(Some((operators::read(&row)?, left)))
}

/// Revokes one token.
pub async fn revoke(client: &impl GenericClient, token_sha256: &[u8]) -> Result<(), StoreError> {
    const SQL: &str = "/* tokens::revoke */ UPDATE access_tokens SET revoked_at = now()
        WHERE token_sha256 = $1 AND revoked_at IS NULL";
    sql::execute(client, SQL, &[&token_sha256]).await?;
    Ok(())
}

/// Revokes every token of an operator.
pub async fn revoke_all(client: &impl GenericClient, operator: OperatorId) -> Result<(), StoreError> {
    const SQL: &str = "/* tokens::revoke_all */ UPDATE access_tokens SET revoked_at = now()
        WHERE operator_id = $1 AND revoked_at IS NULL AND expires_at > now()";
    sql::execute(client, SQL, &[&operator.0]).await?;
    Ok(())
}

/// Removes tokens that are over, `limit` at most. Returns how many.
pub async fn sweep(client: &impl GenericClient, limit: i64) -> Result<u64, StoreError> {
    const SQL: &str = "/* tokens::sweep */ DELETE FROM access_tokens WHERE token_sha256 = ANY(ARRAY(
        SELECT token_sha256 FROM access_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT $1
        FOR UPDATE SKIP LOCKED))";
    sql::execute(client, SQL, &[&limit]).await
}
