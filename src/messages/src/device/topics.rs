//! The routing keys of devices. In MQTT they are topics, with `/` for `.`.

/// The routing key of messages to a device.
pub fn device_topic(uuid: &str) -> String {
    format!("devices.{uuid}.commands")
}

/// The device whose reports travel under this routing key.
pub fn device_of_reports_key(key: &str) -> Option<&str> {
    let uuid = key.strip_prefix("devices.")?.strip_suffix(".reports")?;
    (!uuid.is_empty() && !uuid.contains('.')).then_some(uuid)
}
