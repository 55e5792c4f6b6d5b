//! What is kept of a device, and what it may be.

use drover_domain::{ChannelKind, DeviceUuid, Os};

use crate::{DeviceValues, ServiceError, enrolment::check_text};

/// Phone, pad, and those of iOS.
const DEVICE_TYPES: [i16; 6] = [10, 11, 20, 21, 22, 23];
/// Company, employee, other.
const RELATIONSHIPS: [i16; 3] = [1, 2, 3];

/// A device to be enrolled.
#[derive(Debug, Clone)]
pub struct NewManagedDevice {
    /// What it calls itself.
    pub uuid: String,
    /// Its display name.
    pub name: String,
    /// The code of its organisation; that of whoever enrols it when absent.
    pub organisation: Option<String>,
    /// The account of its user.
    pub user: Option<String>,
    /// The name of its product.
    pub product: Option<String>,
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

/// What of a device is to be different. Where a value may be taken away, the inner `None` does that.
#[derive(Debug, Clone, Default)]
pub struct DeviceChange {
    /// Its display name.
    pub name: Option<String>,
    /// The code of its organisation.
    pub organisation: Option<String>,
    /// The account of its user.
    pub user: Option<Option<String>>,
    /// The name of its product; a device that has one keeps it.
    pub product: Option<String>,
    /// Its operating system.
    pub os: Option<Option<i32>>,
    /// Its type.
    pub device_type: Option<Option<i16>>,
    /// Its relationship.
    pub relationship: Option<Option<i16>>,
    /// The number that its company gave it.
    pub device_number: Option<Option<String>>,
    /// Its IMEI.
    pub imei: Option<String>,
    /// Its serial number.
    pub sn: Option<String>,
    /// A name of `ChannelKind`.
    pub channel: Option<String>,
}

impl DeviceChange {
    /// Changes what needs no look-up.
    pub(super) fn apply(&self, values: &mut DeviceValues) {
        fn set<T: Clone>(value: &mut T, wanted: Option<&T>) {
            if let Some(wanted) = wanted {
                value.clone_from(wanted);
            }
        }
        set(&mut values.name, self.name.as_ref());
        set(&mut values.os, self.os.as_ref());
        set(&mut values.device_type, self.device_type.as_ref());
        set(&mut values.relationship, self.relationship.as_ref());
        set(&mut values.device_number, self.device_number.as_ref());
        set(&mut values.imei, self.imei.as_ref());
        set(&mut values.sn, self.sn.as_ref());
        set(&mut values.channel, self.channel.as_ref());
    }
}

/// Checks what is kept of a device.
pub(crate) fn check_values(values: &DeviceValues) -> Result<(), ServiceError> {
    DeviceUuid::parse(&values.uuid).map_err(|error| ServiceError::invalid("uuid", error.to_string()))?;
    let number = values.device_number.as_deref().unwrap_or_default();
    let DeviceValues { name, imei, sn, .. } = values;
    for (field, text) in [("name", name.as_str()), ("imei", imei), ("sn", sn), ("deviceNumber", number)] {
        check_text(field, text)?;
    }
    values.os.map_or(Ok(()), check_os)?;
    values.device_type.map_or(Ok(()), check_device_type)?;
    values.relationship.map_or(Ok(()), check_relationship)?;
    match ChannelKind::parse(&values.channel) {
        Some(_) => Ok(()),
        None => Err(ServiceError::invalid("channel", "is mqtt, poll or simulated")),
    }
}

pub(crate) fn check_os(os: i32) -> Result<(), ServiceError> {
    match Os::from_code(os) {
        Some(_) => Ok(()),
        None => Err(ServiceError::invalid("os", "is 51201, 51202, 51203 or 51205")),
    }
}

pub(crate) fn check_device_type(device_type: i16) -> Result<(), ServiceError> {
    if DEVICE_TYPES.contains(&device_type) {
        Ok(())
    } else {
        Err(ServiceError::invalid("deviceType", "is 10, 11, 20, 21, 22 or 23"))
    }
}

pub(crate) fn check_relationship(relationship: i16) -> Result<(), ServiceError> {
    if RELATIONSHIPS.contains(&relationship) {
        Ok(())
    } else {
        Err(ServiceError::invalid("relationship", "is 1, 2 or 3"))
    }
}
