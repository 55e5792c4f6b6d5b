//! What travels over HTTP to and from devices that poll.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DeviceCommand, DeviceReport};
use crate::{
    DecodeError, InvalidMessage,
    decode::{read, read_each, read_flat, read_object},
};

/// The answer to `GET /device/v1/commands`: everything that is open for the device now. What is not in it any more is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceCommands {
    /// What to do, each as it would travel on the device's topic; the oldest first.
    pub commands: Vec<DeviceCommand>,
}

impl DeviceCommands {
    /// Reads the answer as a device does. One command that it cannot read spoils the answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            commands: Vec<&'a RawValue>,
        }
        let Raw { commands } = read_object(bytes)?;
        Ok(Self { commands: read_each(&commands, read_flat)? })
    }
}

/// The answer to `POST /device/v1/reports`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportResults {
    /// What became of each report, in the order of the reports.
    pub results: Vec<ReportResult>,
}

impl ReportResults {
    /// Reads the answer as a device does.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        read_object(bytes)
    }
}

/// What became of a report. None of them asks the device to report again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportResult {
    /// It moved its command, or a later report of the same call did.
    Applied,
    /// It told of progress that was known already.
    Stale,
    /// How the attempt ended was known already, from a report that said the same.
    Duplicate,
    /// The attempt had ended otherwise before: its time had passed, or an earlier report said something else.
    Late,
    /// It is about an attempt that has not begun.
    Premature,
    /// There is no such command of this device.
    Unknown,
}

impl DeviceReport {
    /// The most reports in one call.
    pub const MAX_IN_BODY: usize = 100;

    /// Reads the body of `POST /device/v1/reports`: one report, or an array of 1 to [`MAX_IN_BODY`](Self::MAX_IN_BODY).
    /// All of them are of the device that called. One that cannot be read refuses them all; the error says which.
    pub fn from_body(bytes: &[u8], device_uuid: &str) -> Result<Vec<Self>, DecodeError> {
        if bytes.trim_ascii_start().first() != Some(&b'[') {
            return Ok(vec![Self::from_device(bytes, device_uuid)?]);
        }
        let reports: Vec<&RawValue> = read(bytes)?;
        let allowed = 1..=Self::MAX_IN_BODY;
        if !allowed.contains(&reports.len()) {
            return Err(InvalidMessage::Count { found: reports.len(), allowed }.into());
        }
        read_each(&reports, |report| Self::from_device(report, device_uuid))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"command_id":5,"attempt":1,"status":"failed"}"#;

    fn refused(body: &str) -> String {
        DeviceReport::from_body(body.as_bytes(), "d1").unwrap_err().to_string()
    }

    fn many(count: usize) -> String {
        format!("[{}]", vec![ONE; count].join(","))
    }

    #[test]
    fn one_report_or_many_are_of_the_device_that_called() {
        let single = DeviceReport::from_body(format!(" \r\n\t{ONE}\n").as_bytes(), "d1").unwrap();
        assert_eq!(single.len(), 1);
        assert_eq!(single[0].device_uuid, "d1");
        let array =
            DeviceReport::from_body(format!(" \n{}", many(DeviceReport::MAX_IN_BODY)).as_bytes(), "d1").unwrap();
        assert_eq!(array, vec![single[0].clone(); DeviceReport::MAX_IN_BODY]);
    }

    #[test]
    fn a_refusal_says_which_report_and_which_field() {
        for (body, said) in [
            (r#"{"command_id":5,"attempt":"1","status":"failed"}"#, "malformed message: attempt: invalid type"),
            (r#"{"command_id":5,"status":"failed"}"#, "missing field `attempt`"),
            (r#"{"command_id":5,"attempt":0,"status":"failed"}"#, "attempt is 0, which is not from 1 to 32767"),
            (r#"{"command_id":-5,"attempt":1,"status":"failed"}"#, "command_id is -5, which is not from 0 to"),
            (r#"{"v":0,"command_id":5,"attempt":1,"status":"failed"}"#, "version 0"),
        ] {
            assert!(refused(body).contains(said), "{}", refused(body));
            let third = refused(&format!("[{ONE},{ONE},{body}]"));
            assert!(third.starts_with("[2]: ") && third.contains(said), "{third}");
        }
    }

    #[test]
    fn a_body_without_reports_or_with_too_many_is_refused() {
        assert_eq!(refused("[]"), "invalid message: 0 reports in one body; from 1 to 100 are allowed");
        assert!(refused(&many(DeviceReport::MAX_IN_BODY + 1)).contains("101 reports"));
        assert_eq!(refused("[[]]"), "[0]: invalid message: not a JSON object");
        for body in ["", " ", "null", "5", "[", "[5]", &format!("{ONE}{ONE}"), &format!("{}x", many(2))] {
            assert!(refused(body).contains("malformed"), "{body}");
        }
    }

    #[test]
    fn a_newer_report_is_told_from_a_bad_one_among_many() {
        let newer = r#"{"v":2,"id":"x"}"#;
        assert!(DeviceReport::from_body(newer.as_bytes(), "d1").unwrap_err().is_newer());
        assert!(DeviceReport::from_body(format!("[{ONE},{newer}]").as_bytes(), "d1").unwrap_err().is_newer());
        assert!(!DeviceReport::from_body(b"[5]", "d1").unwrap_err().is_newer());
    }

    #[test]
    fn answers_travel_in_snake_case() {
        let results = vec![ReportResult::Applied, ReportResult::Premature];
        let body = serde_json::to_string(&ReportResults { results }).unwrap();
        assert_eq!(body, r#"{"results":["applied","premature"]}"#);
    }
}
