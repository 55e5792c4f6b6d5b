//! What a device says.

use serde::{Deserialize, Serialize};

use super::device_of_reports_key;
#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    DecodeError, InvalidMessage, Message,
    checks::{ATTEMPTS, CODE_MAX_CHARS, IDS, MESSAGE_MAX_CHARS, short_text, within},
    decode::{FIRST_VERSION, read_flat},
};

/// From a device, on `devices.<uuid>.reports` or in the body of `POST /device/v1/reports`. Who reports is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceReport {
    /// Version of this format; 1 when absent.
    #[serde(default = "first_version")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceReport>"))]
    pub v: u16,
    /// The command.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub command_id: i64,
    /// The attempt that this report is about.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
    pub attempt: i16,
    /// What happened.
    pub status: ReportStatus,
    /// The device's own result code, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::code"))]
    pub code: Option<String>,
    /// The device's own words, at most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::message"))]
    pub message: Option<String>,
    /// The version that the device runs now, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::code"))]
    pub firmware_version: Option<String>,
    /// Who reports: taken from the topic, which the broker guards, or from the login, never from the body.
    #[serde(skip)]
    pub device_uuid: String,
}

const fn first_version() -> u16 {
    FIRST_VERSION
}

/// What a device says of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// The file is on its way.
    Downloading,
    /// The whole file is here; the device waits to install it, for its user or for the night.
    Downloaded,
    /// The file is being installed.
    Installing,
    /// Done.
    Succeeded,
    /// Failed; may be tried again.
    Failed,
    /// The device does not want it; never tried again.
    Refused,
    /// The device stopped, as it was asked to.
    Cancelled,
    /// The device cannot stop any more.
    CancelRefused,
}

impl Message for DeviceReport {
    const NAME: &'static str = "device_report";
    const VERSION: u16 = 1;

    fn decode(bytes: &[u8], routing_key: &str) -> Result<Self, DecodeError> {
        let device_uuid = device_of_reports_key(routing_key);
        let report = Self::from_device(bytes, device_uuid.unwrap_or_default())?;
        // Last, so that a newer report is left for newer workers wherever it came in.
        device_uuid.map(|_| report).ok_or_else(|| InvalidMessage::Topic.into())
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn check(&self) -> Result<(), InvalidMessage> {
        within("command_id", self.command_id, IDS)?;
        within("attempt", self.attempt, ATTEMPTS)?;
        short_text("code", self.code.as_deref(), CODE_MAX_CHARS)?;
        short_text("message", self.message.as_deref(), MESSAGE_MAX_CHARS)?;
        short_text("firmware_version", self.firmware_version.as_deref(), CODE_MAX_CHARS)
    }
}

impl DeviceReport {
    /// Reads one report of this device.
    pub(super) fn from_device(bytes: &[u8], device_uuid: &str) -> Result<Self, DecodeError> {
        Ok(Self { device_uuid: device_uuid.to_owned(), ..read_flat(bytes)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_device_by_topic_only() {
        let body = br#"{"command_id":5,"attempt":1,"status":"failed","code":"E7","device_uuid":"someone-else"}"#;
        let report = DeviceReport::decode(body, "devices.d1.reports").unwrap();
        assert_eq!((report.device_uuid.as_str(), report.status, report.v), ("d1", ReportStatus::Failed, 1));
        for key in ["devices..reports", "devices.a.b.reports", "reports", "devices.d1.commands"] {
            assert!(DeviceReport::decode(body, key).is_err(), "{key}");
        }
    }

    #[test]
    fn a_newer_report_is_left_even_when_its_fields_changed() {
        assert!(DeviceReport::decode(br#"{"v":2,"id":"x"}"#, "devices.d1.reports").unwrap_err().is_newer());
    }

    #[test]
    fn hostile_texts_are_refused() {
        let long = format!(r#"{{"command_id":5,"attempt":1,"status":"failed","message":"{}"}}"#, "x".repeat(1025));
        let nul = r#"{"command_id":5,"attempt":1,"status":"failed","code":"a\u0000b"}"#;
        for body in [long.as_str(), nul] {
            let error = DeviceReport::decode(body.as_bytes(), "devices.d1.reports").unwrap_err();
            assert!(matches!(error, DecodeError::Invalid(_)), "{error}");
        }
    }
}
