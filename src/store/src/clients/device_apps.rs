//! What devices say that they run.

use drover_domain::{DeviceId, TenantId};

use crate::{GenericClient, StoreError, devices::checks::nothing, sql};

/// Notes that a device runs a version of a package, and returns whether that was written down: what is known and was noted
/// within the last minute is not, so that a device which asks in a loop writes nothing. A package that no version of the
/// tenant's has is nothing of ours, and a device could think of any number of them. What it said in a check of everything is to
/// be held beside a version that is news.
pub async fn note(
    client: &impl GenericClient,
    tenant: TenantId,
    device: DeviceId,
    package: &str,
    version_code: i64,
) -> Result<bool, StoreError> {
    // The name that a void version had is kept as long as the device runs it. Whoever notes a check of everything locks that
    // check before what is on the device, and so does this; CASE keeps it from locking what it will not write.
    const SQL: &str = concat!(
        "/* clients::device_apps::note */ WITH before AS (
            SELECT version_code FROM device_apps WHERE device_id = $2 AND package_name = $3
        ), held AS (SELECT FROM device_checks WHERE device_id = $2 FOR NO KEY UPDATE
        ), noted AS (INSERT INTO device_apps (device_id, package_name, version_code, version_name)
        SELECT $2, $3, $4::bigint, COALESCE((SELECT v.version_name FROM client_versions v WHERE v.tenant_id = $1
            AND v.package_name = $3 AND v.version_code = $4::bigint AND v.void_at IS NULL ORDER BY v.id DESC LIMIT 1), '')
        WHERE CASE WHEN EXISTS (SELECT FROM client_versions v
                    WHERE v.tenant_id = $1 AND v.package_name = $3 AND v.void_at IS NULL)
                AND NOT EXISTS (SELECT FROM device_apps known WHERE known.device_id = $2 AND known.package_name = $3
                    AND known.version_code = $4::bigint AND known.seen_at > now() - interval '1 minute')
            THEN (SELECT count(*) FROM held) >= 0 ELSE false END
        ON CONFLICT (device_id, package_name) DO UPDATE SET version_code = EXCLUDED.version_code, seen_at = EXCLUDED.seen_at,
            version_name = CASE WHEN device_apps.version_code = EXCLUDED.version_code AND EXCLUDED.version_name = ''
                THEN device_apps.version_name ELSE EXCLUDED.version_name END
            RETURNING device_id
        ), forgotten AS (UPDATE device_checks SET digest = ",
        nothing!(),
        " WHERE device_id = (SELECT device_id FROM noted) AND $4 IS DISTINCT FROM (SELECT version_code FROM before)
        ) SELECT EXISTS (SELECT FROM noted)"
    );
    Ok(sql::query_one(client, SQL, &[&tenant.0, &device.0, &package, &version_code]).await?.get(0))
}

/// Notes that devices run the version that they were brought, ascending as every transaction locks them.
pub async fn note_upgraded(
    client: &impl GenericClient,
    devices: &[i64],
    package: &str,
    version_code: i64,
    version_name: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "/* clients::device_apps::note_upgraded */
        INSERT INTO device_apps AS known (device_id, package_name, version_code, version_name)
        SELECT id, $2, $3, $4 FROM unnest($1::bigint[]) AS given (id) ORDER BY id
        ON CONFLICT (device_id, package_name) DO UPDATE
            SET version_code = excluded.version_code, version_name = excluded.version_name, seen_at = now()
            WHERE known.version_code <> excluded.version_code OR known.version_name <> excluded.version_name";
    sql::execute(client, SQL, &[&devices, &package, &version_code, &version_name]).await?;
    Ok(())
}
