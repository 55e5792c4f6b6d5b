//! Devices as those see them who administer organisations: each belongs to one, and perhaps to a user.

mod listing;
mod writing;

use chrono::{DateTime, Utc};
use drover_domain::{DeviceId, OrganisationId, ProductId, UserId};
use tokio_postgres::Row;

use crate::{GenericClient, StoreError, people::scope::Scope, sql};

pub use listing::{DeviceSearch, Listed, page};
pub use writing::{DeviceColumns, deregister, update, upsert};

/// A device of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedDevice {
    /// Its id.
    pub id: DeviceId,
    /// What is kept of it.
    pub values: DeviceValues,
    /// The code of its organisation.
    pub organisation_code: String,
    /// The account of its user.
    pub user_account: Option<String>,
    /// The name of its product.
    pub product_name: Option<String>,
    /// `registered`, `activated` or `deregistered`.
    pub status: String,
    /// When it was heard of last.
    pub online_at: Option<DateTime<Utc>>,
    /// When it was known to have left last.
    pub offline_at: Option<DateTime<Utc>>,
    /// The firmware that it runs, empty when it never said.
    pub firmware_version: String,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// Whether it has a token that is good.
    pub has_token: bool,
}

/// What is kept of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceValues {
    /// What it calls itself, checked by `DeviceUuid`.
    pub uuid: String,
    /// Its display name.
    pub name: String,
    /// Where it belongs.
    pub organisation: OrganisationId,
    /// Who holds it.
    pub user: Option<UserId>,
    /// Its family, whose firmware it runs.
    pub product: Option<ProductId>,
    /// Its operating system, by the number of `Os`.
    pub os: Option<i32>,
    /// 10 phone, 11 pad, 20 to 23 those of iOS.
    pub device_type: Option<i16>,
    /// 1 company, 2 employee, 3 other.
    pub relationship: Option<i16>,
    /// The number that its company gave it.
    pub device_number: Option<String>,
    /// Its IMEI.
    pub imei: String,
    /// Its serial number.
    pub sn: String,
    /// A name of `ChannelKind`.
    pub channel: String,
}

macro_rules! columns {
    () => {
        "d.id, d.uuid, d.name, d.organisation_id, d.user_id, d.product_id, d.os, d.device_type, d.relationship,
            d.device_number, d.imei, d.sn, d.channel, d.status, d.online_at, d.offline_at, d.firmware_version, d.created_at,
            o.code AS organisation_code, u.account AS user_account, p.name AS product_name,
            EXISTS (SELECT FROM credentials c WHERE c.kind = 'device' AND c.key_id = d.uuid AND c.revoked_at IS NULL)
                AS has_token"
    };
}
pub(crate) use columns;

fn device(row: &Row) -> ManagedDevice {
    ManagedDevice {
        id: DeviceId(row.get("id")),
        values: DeviceValues {
            uuid: row.get("uuid"),
            name: row.get("name"),
            organisation: OrganisationId(row.get("organisation_id")),
            user: row.get::<_, Option<i64>>("user_id").map(UserId),
            product: row.get::<_, Option<i64>>("product_id").map(ProductId),
            os: row.get("os"),
            device_type: row.get("device_type"),
            relationship: row.get("relationship"),
            device_number: row.get("device_number"),
            imei: row.get("imei"),
            sn: row.get("sn"),
            channel: row.get("channel"),
        },
        organisation_code: row.get("organisation_code"),
        user_account: row.get("user_account"),
        product_name: row.get("product_name"),
        status: row.get("status"),
        online_at: row.get("online_at"),
        offline_at: row.get("offline_at"),
        firmware_version: row.get("firmware_version"),
        created_at: row.get("created_at"),
        has_token: row.get("has_token"),
    }
}

/// A device in scope.
pub async fn get(client: &impl GenericClient, scope: &Scope, uuid: &str) -> Result<Option<ManagedDevice>, StoreError> {
    const SQL: &str = concat!(
        "/* devices::managed::get */ SELECT ",
        columns!(),
        " FROM devices d JOIN organisations o ON o.id = d.organisation_id LEFT JOIN users u ON u.id = d.user_id
            LEFT JOIN products p ON p.id = d.product_id
          WHERE d.uuid = $2 AND d.tenant_id = $1 AND o.path >= $3 AND o.path < $4"
    );
    let row = sql::query_opt(client, SQL, &[&scope.tenant.0, &uuid, &scope.first(), &scope.end()]).await?;
    Ok(row.as_ref().map(device))
}

/// A device in scope, locked until the transaction ends.
pub async fn lock(client: &impl GenericClient, scope: &Scope, uuid: &str) -> Result<Option<ManagedDevice>, StoreError> {
    const SQL: &str = concat!(
        "/* devices::managed::lock */ SELECT ",
        columns!(),
        " FROM devices d JOIN organisations o ON o.id = d.organisation_id LEFT JOIN users u ON u.id = d.user_id
            LEFT JOIN products p ON p.id = d.product_id
          WHERE d.uuid = $2 AND d.tenant_id = $1 AND o.path >= $3 AND o.path < $4 FOR NO KEY UPDATE OF d"
    );
    let row = sql::query_opt(client, SQL, &[&scope.tenant.0, &uuid, &scope.first(), &scope.end()]).await?;
    Ok(row.as_ref().map(device))
}
