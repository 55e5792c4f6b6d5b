//! Devices, one by one and in batches: who they are, how they log in, what they say that they have, and how they leave.

pub mod checks;
pub mod inventories;
pub mod leaving;
pub mod list;
pub mod managed;
pub mod tokens;

use drover_domain::{DeviceId, ProductId, TenantId};

use crate::{GenericClient, StoreError, sql};

/// A device to enrol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its name for itself, checked by `DeviceUuid`.
    pub uuid: String,
    /// Its display name.
    pub name: String,
    /// Its serial number.
    pub sn: String,
    /// Its IMEI.
    pub imei: String,
    /// Its group, empty when none.
    pub group_uuid: String,
    /// The version it runs.
    pub firmware_version: String,
    /// A name of `ChannelKind`.
    pub channel: String,
}

/// Enrols devices of one product, or brings those it has up to date; managed ones of the tenant's that have no product get
/// it. Returns the uuids that another product has, which are left as they are.
pub async fn upsert(
    client: &impl GenericClient,
    tenant: TenantId,
    product: ProductId,
    devices: &[NewDevice],
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "/* devices::upsert */
        WITH given AS (
            SELECT DISTINCT ON (uuid) uuid, name, sn, imei, group_uuid, firmware_version, channel FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
                WITH ORDINALITY AS lines (uuid, name, sn, imei, group_uuid, firmware_version, channel, line)
            -- A device that is named twice is what it is named last.
            ORDER BY uuid, line DESC
        ), stored AS (
            INSERT INTO devices (tenant_id, product_id, uuid, name, sn, imei, group_uuid, firmware_version, channel)
            SELECT $1, $2, given.* FROM given
            ON CONFLICT (uuid) DO UPDATE SET product_id = excluded.product_id, name = excluded.name, sn = excluded.sn, imei = excluded.imei,
                group_uuid = excluded.group_uuid, channel = excluded.channel,
                firmware_version = COALESCE(NULLIF(excluded.firmware_version, ''), devices.firmware_version)
            -- A managed device of the tenant's that has no product yet is given this one.
            WHERE devices.product_id = excluded.product_id
                OR (devices.product_id IS NULL AND devices.tenant_id = excluded.tenant_id)
            RETURNING uuid
        )
        SELECT uuid FROM given EXCEPT SELECT uuid FROM stored";
    let column = |get: fn(&NewDevice) -> &String| devices.iter().map(get).collect::<Vec<_>>();
    let (uuids, names, sns, imeis) = (column(|d| &d.uuid), column(|d| &d.name), column(|d| &d.sn), column(|d| &d.imei));
    let (groups, versions, channels) =
        (column(|d| &d.group_uuid), column(|d| &d.firmware_version), column(|d| &d.channel));
    let refused =
        sql::query(client, SQL, &[&tenant.0, &product.0, &uuids, &names, &sns, &imeis, &groups, &versions, &channels])
            .await?;
    Ok(refused.iter().map(|row| row.get(0)).collect())
}

/// A device of a tenant by its name for itself.
pub async fn by_uuid(
    client: &impl GenericClient,
    tenant: TenantId,
    uuid: &str,
) -> Result<Option<DeviceId>, StoreError> {
    const SQL: &str = "/* devices::by_uuid */ SELECT id FROM devices WHERE uuid = $1 AND tenant_id = $2";
    Ok(sql::query_opt(client, SQL, &[&uuid, &tenant.0]).await?.map(|row| DeviceId(row.get(0))))
}

/// The ids of devices, whoever owns them: uuids that nobody has are left out.
pub async fn ids_by_uuid(client: &impl GenericClient, uuids: &[&str]) -> Result<Vec<(String, DeviceId)>, StoreError> {
    const SQL: &str = "/* devices::ids_by_uuid */ SELECT uuid, id FROM devices WHERE uuid = ANY($1)";
    let rows = sql::query(client, SQL, &[&uuids]).await?;
    Ok(rows.iter().map(|row| (row.get(0), DeviceId(row.get(1)))).collect())
}

/// The ids, ascending, of a product's devices that may be given commands.
pub async fn of_product_by_uuid(
    client: &impl GenericClient,
    product: ProductId,
    uuids: &[String],
) -> Result<Vec<(DeviceId, String)>, StoreError> {
    const SQL: &str = "/* devices::of_product_by_uuid */ SELECT id, uuid FROM devices
        WHERE uuid = ANY($2) AND product_id = $1 AND status <> 'deregistered' ORDER BY id";
    let rows = sql::query(client, SQL, &[&product.0, &uuids]).await?;
    Ok(rows.iter().map(|row| (DeviceId(row.get(0)), row.get(1))).collect())
}

/// Those of `devices` that have an open command in another job than `job`, `limit` at most. Pushes keep nobody busy.
pub async fn busy(
    client: &impl GenericClient,
    job: i64,
    devices: &[i64],
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "/* devices::busy */ SELECT d.uuid FROM devices d WHERE d.id = ANY($2) AND EXISTS (
            SELECT FROM commands c WHERE c.device_id = d.id AND c.job_id <> $1 AND c.finished_at IS NULL
                AND (SELECT kind FROM jobs WHERE id = c.job_id) <> 'push'
        ) ORDER BY d.id LIMIT $3";
    Ok(sql::query(client, SQL, &[&job, &devices, &limit]).await?.iter().map(|row| row.get(0)).collect())
}

/// Notes the version that devices reported running, and that they were heard of.
pub async fn set_version(client: &impl GenericClient, devices: &[i64], version: &str) -> Result<(), StoreError> {
    const SQL: &str = "/* devices::set_version */ UPDATE devices
        SET firmware_version = $2, online_at = now(),
            status = CASE status WHEN 'registered' THEN 'activated' ELSE status END WHERE id = ANY($1)";
    sql::execute(client, SQL, &[&devices, &version]).await?;
    Ok(())
}

/// Notes that devices were heard of, at most once a minute each: the time is shown to people.
pub async fn note_contact(client: &impl GenericClient, devices: &[i64]) -> Result<(), StoreError> {
    const SQL: &str = "/* devices::note_contact */ UPDATE devices
        SET online_at = now(), status = CASE status WHEN 'registered' THEN 'activated' ELSE status END
        WHERE id = ANY($1) AND (online_at IS NULL OR online_at < now() - interval '1 minute' OR offline_at >= online_at)";
    sql::execute(client, SQL, &[&devices]).await?;
    Ok(())
}
