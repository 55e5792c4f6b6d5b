//! What devices said in their newest check for updates, as a fingerprint.

use chrono::{DateTime, Utc};
use drover_domain::DeviceId;

use crate::{StoreError, Tx, sql};

/// A fingerprint that nothing has.
macro_rules! nothing {
    () => {
        "decode(repeat('00', 32), 'hex')"
    };
}
pub(crate) use nothing;

/// Notes what a device said, by its own clock, and returns whether it is no older than what is known: an older check says
/// nothing any more. Keeps other checks of this device waiting until the transaction ends, so it comes first in it.
pub async fn note(
    tx: &Tx<'_>,
    device: DeviceId,
    digest: &[u8; 32],
    said_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* devices::checks::note */ INSERT INTO device_checks AS known (device_id, digest, said_at)
        VALUES ($1, $2, $3) ON CONFLICT (device_id) DO UPDATE
        SET digest = excluded.digest, said_at = excluded.said_at, noted_at = now() WHERE known.said_at <= excluded.said_at";
    Ok(sql::execute(tx, SQL, &[&device.0, &digest.as_slice(), &said_at]).await? == 1)
}

/// Forgets what devices said, ascending, but not when: what is known of them has come from elsewhere since, so the same words
/// are to be held beside it again.
pub async fn forget(tx: &Tx<'_>, devices: &[i64]) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "/* devices::checks::forget */ UPDATE device_checks SET digest = ",
        nothing!(),
        " WHERE device_id = ANY(ARRAY(SELECT device_id FROM device_checks WHERE device_id = ANY($1)
            ORDER BY device_id FOR NO KEY UPDATE))"
    );
    sql::execute(tx, SQL, &[&devices]).await?;
    Ok(())
}
