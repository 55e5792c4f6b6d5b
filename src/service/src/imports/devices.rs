//! Files of devices.

use std::{collections::HashMap, str::FromStr};

use drover_domain::{ProductId, UserId};
use drover_store::{
    devices::managed::{self, DeviceColumns, DeviceValues},
    people::scope,
    tenants,
};

use super::{Faults, Import, Row, last_of_each};
use crate::{ServiceError, devices::managed_devices::check_values};

/// The columns; the first names a device.
pub(super) const COLUMNS: &[&str] = &[
    "uuid",
    "name",
    "organisation",
    "user",
    "product",
    "os",
    "deviceType",
    "relationship",
    "deviceNumber",
    "imei",
    "sn",
    "channel",
];
/// How a device is reached of which nothing is said.
const DEFAULT_CHANNEL: &str = "mqtt";

impl Import<'_> {
    /// Writes some devices.
    pub(super) async fn devices(&mut self, rows: &[Row]) -> Result<(), ServiceError> {
        self.find_organisations(rows).await?;
        self.find_products(rows).await?;
        let users = self.find_users(rows).await?;
        let mut values = HashMap::with_capacity(rows.len());
        for row in rows {
            let device = self.device(row, &users);
            if let Some(device) = device {
                if let Err(error) = check_values(&device) {
                    self.faults.refuse(row.line, error)?;
                }
                values.insert(row.line, device);
            }
        }
        self.count.lines += rows.len() as u64;
        // An empty organisation or channel is none that is said: the device stays as it is.
        let key = |row: &Row| (row.filled("organisation").is_some(), row.filled("channel").is_some());
        let mut parts: HashMap<(bool, bool), Vec<&Row>> = HashMap::new();
        for row in last_of_each(rows) {
            parts.entry(key(row)).or_default().push(row);
        }
        for ((organisation, channel), rows) in parts {
            let Some(first) = rows.first().filter(|_| self.faults.0.is_empty()) else { continue };
            let has = |column| first.get(column).is_some();
            let columns = DeviceColumns {
                name: has("name"),
                organisation,
                user: has("user"),
                os: has("os"),
                device_type: has("deviceType"),
                relationship: has("relationship"),
                device_number: has("deviceNumber"),
                imei: has("imei"),
                sn: has("sn"),
                channel,
            };
            let devices: Vec<DeviceValues> = rows.iter().filter_map(|row| values.remove(&row.line)).collect();
            let written = managed::upsert(&self.tx, &self.caller.scope(), columns, false, &devices).await;
            let written = written.map_err(ServiceError::of_naming)?;
            self.settle(&rows, &written, "is a device outside of your organisation, or one that has another product");
        }
        Ok(())
    }

    /// What a row says of a device; `None` when a value of it is no number.
    fn device(&mut self, row: &Row, users: &HashMap<String, UserId>) -> Option<DeviceValues> {
        let (os, device_type, relationship) = (
            number(&mut self.faults, row, "os"),
            number(&mut self.faults, row, "deviceType"),
            number(&mut self.faults, row, "relationship"),
        );
        Some(DeviceValues {
            uuid: row.key().to_owned(),
            name: row.text("name"),
            organisation: self.organisation_of(row),
            user: row.filled("user").and_then(|account| users.get(account).copied()),
            product: row.filled("product").and_then(|name| self.products.get(name).copied().flatten()),
            os: os.ok()?,
            device_type: device_type.ok()?,
            relationship: relationship.ok()?,
            device_number: row.filled("deviceNumber").map(str::to_owned),
            imei: row.text("imei"),
            sn: row.text("sn"),
            channel: row.filled("channel").unwrap_or(DEFAULT_CHANNEL).to_owned(),
        })
    }

    /// Looks up the users that rows name, and notes those that are not there.
    async fn find_users(&mut self, rows: &[Row]) -> Result<HashMap<String, UserId>, ServiceError> {
        let accounts: Vec<&str> = rows.iter().filter_map(|row| row.filled("user")).collect();
        let found: HashMap<String, UserId> = if accounts.is_empty() {
            HashMap::new()
        } else {
            scope::users(&self.tx, &self.caller.scope(), &accounts).await?.into_iter().collect()
        };
        for row in rows {
            if let Some(account) = row.filled("user")
                && !found.contains_key(account)
            {
                self.faults.note(row.line, "user", format!("there is no user {account}"));
            }
        }
        Ok(found)
    }

    /// Looks up the products that rows name, and notes those that are not there.
    async fn find_products(&mut self, rows: &[Row]) -> Result<(), ServiceError> {
        for row in rows {
            let Some(name) = row.filled("product") else { continue };
            if !self.products.contains_key(name) {
                let found = tenants::product_by_name(&self.tx, self.caller.tenant, name).await?;
                self.products.insert(name.to_owned(), found.map(|product| -> ProductId { product.id }));
            }
            if !matches!(self.products.get(name), Some(Some(_))) {
                self.faults.note(row.line, "product", format!("there is no product {name}"));
            }
            if self.faults.is_full() {
                break;
            }
        }
        Ok(())
    }
}

/// The number in a column, if there is any; an error when what is there is none.
fn number<T: FromStr>(faults: &mut Faults, row: &Row, column: &str) -> Result<Option<T>, NoNumber> {
    let number = row.filled(column).map(str::parse).transpose();
    number.map_err(|_| {
        faults.note(row.line, column, "is not a number, or not one of those there are");
        NoNumber
    })
}

/// A fault that was noted.
struct NoNumber;
