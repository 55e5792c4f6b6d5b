//! Devices are enrolled, changed and deregistered.

use drover_domain::DeviceId;

use super::DeviceValues;
use crate::{GenericClient, StoreError, people::scope::Scope, sql};

/// Which values are said of each device: the others stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a column
pub struct DeviceColumns {
    /// The display name.
    pub name: bool,
    /// The organisation; else new devices go to the given one.
    pub organisation: bool,
    /// The user.
    pub user: bool,
    /// The operating system.
    pub os: bool,
    /// The device type.
    pub device_type: bool,
    /// The relationship.
    pub relationship: bool,
    /// The device number.
    pub device_number: bool,
    /// The IMEI.
    pub imei: bool,
    /// The serial number.
    pub sn: bool,
    /// The channel.
    pub channel: bool,
}

impl DeviceColumns {
    /// Everything is said.
    pub const ALL: Self = Self {
        name: true,
        organisation: true,
        user: true,
        os: true,
        device_type: true,
        relationship: true,
        device_number: true,
        imei: true,
        sn: true,
        channel: true,
    };
}

/// Enrols devices, or brings those there are up to date; those that were deregistered are enrolled again. Each uuid comes
/// once. Returns the uuids that were written, and whether each is new. The others are left as they are: somebody has them
/// whom the scope does not reach, or they have another product, or, with `only_new`, they are enrolled already. A device that
/// has no organisation is in reach of the whole tenant's administrators alone.
pub async fn upsert(
    client: &impl GenericClient,
    scope: &Scope,
    columns: DeviceColumns,
    only_new: bool,
    devices: &[DeviceValues],
) -> Result<Vec<(String, bool)>, StoreError> {
    const SQL: &str = "/* devices::managed::upsert */
        INSERT INTO devices (tenant_id, organisation_id, user_id, product_id, uuid, name, os, device_type, relationship,
            device_number, imei, sn, channel)
        SELECT $1, given.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::int[],
            $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[]) AS given
        ON CONFLICT (uuid) DO UPDATE SET
            status = CASE devices.status WHEN 'deregistered' THEN 'registered' ELSE devices.status END,
            leaving_until = NULL,
            product_id = COALESCE(excluded.product_id, devices.product_id),
            organisation_id = CASE WHEN $14 OR devices.organisation_id IS NULL
                THEN excluded.organisation_id ELSE devices.organisation_id END,
            user_id = CASE WHEN $15 THEN excluded.user_id ELSE devices.user_id END,
            name = CASE WHEN $16 THEN excluded.name ELSE devices.name END,
            os = CASE WHEN $17 THEN excluded.os ELSE devices.os END,
            device_type = CASE WHEN $18 THEN excluded.device_type ELSE devices.device_type END,
            relationship = CASE WHEN $19 THEN excluded.relationship ELSE devices.relationship END,
            device_number = CASE WHEN $20 THEN excluded.device_number ELSE devices.device_number END,
            imei = CASE WHEN $21 THEN excluded.imei ELSE devices.imei END,
            sn = CASE WHEN $22 THEN excluded.sn ELSE devices.sn END,
            channel = CASE WHEN $23 THEN excluded.channel ELSE devices.channel END
        WHERE devices.tenant_id = $1
            AND (devices.product_id IS NULL OR excluded.product_id IS NULL OR devices.product_id = excluded.product_id)
            AND CASE WHEN devices.organisation_id IS NULL
                THEN EXISTS (SELECT FROM organisations WHERE tenant_id = $1 AND parent_id IS NULL AND path = $24)
                ELSE EXISTS (SELECT FROM organisations WHERE id = devices.organisation_id AND path >= $24 AND path < $25)
                    AND (NOT $26 OR devices.status = 'deregistered') END
        RETURNING uuid, xmax = 0 AS is_new";
    macro_rules! column {
        ($value:ident) => {
            devices.iter().map(|device| &device.$value).collect::<Vec<_>>()
        };
    }
    let organisations: Vec<i64> = devices.iter().map(|device| device.organisation.0).collect();
    let users: Vec<Option<i64>> = devices.iter().map(|device| device.user.map(|user| user.0)).collect();
    let products: Vec<Option<i64>> = devices.iter().map(|device| device.product.map(|product| product.0)).collect();
    let (uuids, names, systems, types) = (column!(uuid), column!(name), column!(os), column!(device_type));
    let (relationships, numbers) = (column!(relationship), column!(device_number));
    let (imeis, sns, channels) = (column!(imei), column!(sn), column!(channel));
    let is = columns;
    let rows = sql::query(
        client,
        SQL,
        &[
            &scope.tenant.0,
            &organisations,
            &users,
            &products,
            &uuids,
            &names,
            &systems,
            &types,
            &relationships,
            &numbers,
            &imeis,
            &sns,
            &channels,
            &is.organisation,
            &is.user,
            &is.name,
            &is.os,
            &is.device_type,
            &is.relationship,
            &is.device_number,
            &is.imei,
            &is.sn,
            &is.channel,
            &scope.first(),
            &scope.end(),
            &only_new,
        ],
    )
    .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Changes a device that is locked.
pub async fn update(client: &impl GenericClient, id: DeviceId, values: &DeviceValues) -> Result<(), StoreError> {
    const SQL: &str = "/* devices::managed::update */ UPDATE devices SET organisation_id = $2, user_id = $3, product_id = $4,
            name = $5, os = $6, device_type = $7, relationship = $8, device_number = $9, imei = $10, sn = $11, channel = $12
        WHERE id = $1";
    let DeviceValues { organisation, user, product, name, os, device_type, relationship, device_number, .. } = values;
    let DeviceValues { imei, sn, channel, .. } = values;
    let (user, product) = (user.map(|user| user.0), product.map(|product| product.0));
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 12] = [
        &id.0,
        &organisation.0,
        &user,
        &product,
        name,
        os,
        device_type,
        relationship,
        device_number,
        imei,
        sn,
        channel,
    ];
    sql::execute(client, SQL, &parameters).await?;
    Ok(())
}

/// Ends a device's enrolment: it gets no new commands but those that take away what it has.
pub async fn deregister(client: &impl GenericClient, id: DeviceId) -> Result<(), StoreError> {
    const SQL: &str = "/* devices::managed::deregister */ UPDATE devices SET status = 'deregistered' WHERE id = $1";
    sql::execute(client, SQL, &[&id.0]).await?;
    Ok(())
}
