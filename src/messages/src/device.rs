//! Messages to and from devices. Devices are written by others: these formats are flat and stable.

use serde::{Deserialize, Serialize};

use crate::{DecodeError, Message};

/// The longest code a device may report.
const CODE_MAX_CHARS: usize = 64;
/// The longest message a device may report.
const MESSAGE_MAX_CHARS: usize = 1024;

/// To a device, on `devices.<uuid>.commands`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DeviceCommand {
    /// Download this firmware and install it.
    Upgrade {
        /// Version of this format.
        v: u16,
        /// Identity of the command, to be repeated in every report.
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        attempt: i16,
        /// The file.
        firmware: FirmwareFile,
        /// Seconds until the attempt is given up.
        timeout_s: i64,
    },
    /// Stop the command if that is still possible, and say which.
    Cancel {
        /// Version of this format.
        v: u16,
        /// The command to stop.
        command_id: i64,
        /// Its attempt.
        attempt: i16,
    },
}

impl DeviceCommand {
    /// The version of this format.
    pub const VERSION: u16 = 1;
}

/// A firmware file as a device needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirmwareFile {
    /// Where to download it; expires.
    pub url: String,
    /// The version it brings.
    pub version: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// MD5 of the file, for devices that know nothing better.
    pub md5: String,
}

/// From a device, on `devices.<uuid>.reports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Version of this format; 1 when absent.
    #[serde(default = "first_version")]
    pub v: u16,
    /// The command.
    pub command_id: i64,
    /// The attempt that this report is about.
    pub attempt: i16,
    /// What happened.
    pub status: ReportStatus,
    /// The device's own result code, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The device's own words, at most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The version that the device runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware_version: Option<String>,
    /// Who reports: taken from the topic, which the broker guards, never from the body.
    #[serde(skip)]
    pub device_uuid: String,
}

const fn first_version() -> u16 {
    1
}

/// What a device says of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// The file is on its way.
    Downloading,
    /// The file is here and being installed.
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
        #[derive(Deserialize)]
        struct Version {
            #[serde(default = "first_version")]
            v: u16,
        }
        let Version { v } = serde_json::from_slice(bytes)?;
        if v > Self::VERSION {
            return Err(DecodeError::Newer { name: Self::NAME, known: Self::VERSION, found: v });
        }
        let mut report: Self = serde_json::from_slice(bytes)?;
        let device_uuid = device_of_reports_key(routing_key).ok_or(InvalidReport::Topic).map_err(invalid)?;
        device_uuid.clone_into(&mut report.device_uuid);
        report.check().map_err(invalid)?;
        Ok(report)
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

#[allow(clippy::needless_pass_by_value)]
fn invalid(reason: InvalidReport) -> DecodeError {
    DecodeError::Invalid(reason.to_string())
}

impl DeviceReport {
    fn check(&self) -> Result<(), InvalidReport> {
        let too_long = |text: &Option<String>, max| text.as_ref().is_some_and(|text| text.chars().count() > max);
        if too_long(&self.code, CODE_MAX_CHARS) {
            return Err(InvalidReport::TooLong { field: "code", max: CODE_MAX_CHARS });
        }
        if too_long(&self.message, MESSAGE_MAX_CHARS) {
            return Err(InvalidReport::TooLong { field: "message", max: MESSAGE_MAX_CHARS });
        }
        if too_long(&self.firmware_version, CODE_MAX_CHARS) {
            return Err(InvalidReport::TooLong { field: "firmware_version", max: CODE_MAX_CHARS });
        }
        // Postgres text cannot hold it, and one bad row would fail its whole batch.
        let texts = [("code", &self.code), ("message", &self.message), ("firmware_version", &self.firmware_version)];
        match texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.contains('\0'))) {
            Some((field, _)) => Err(InvalidReport::Nul { field }),
            None => Ok(()),
        }
    }
}

/// Why a well-formed report is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReport {
    /// It did not arrive on `devices.<uuid>.reports`.
    #[error("the topic is not devices.<uuid>.reports")]
    Topic,
    /// A text is too long.
    #[error("{field} is longer than {max} characters")]
    TooLong {
        /// The field.
        field: &'static str,
        /// The limit in characters.
        max: usize,
    },
    /// A text holds a NUL character.
    #[error("{field} holds a NUL character")]
    Nul {
        /// The field.
        field: &'static str,
    },
}

/// The routing key of messages to a device.
pub fn device_topic(uuid: &str) -> String {
    format!("devices.{uuid}.commands")
}

/// The device whose reports travel under this routing key.
pub fn device_of_reports_key(key: &str) -> Option<&str> {
    let uuid = key.strip_prefix("devices.")?.strip_suffix(".reports")?;
    (!uuid.is_empty() && !uuid.contains('.')).then_some(uuid)
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
