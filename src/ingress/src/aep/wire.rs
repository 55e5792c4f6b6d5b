//! The bodies of the document's requests. Every field is optional here: what is required depends on the operation and
//! the protocol, and is asked for by name in each resource's file. Numbers may come as strings and strings as numbers,
//! as the document's own samples do ("outTime": "129"); an empty string is an absent value.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::errors::AepError;
use crate::json::{self, number, string};

/// The body of D3, `PUT /control`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControlBody {
    #[serde(default, deserialize_with = "number")]
    pub product_id: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub run_status: Option<i64>,
}

/// The bodies of D8, `POST /task`, and D7, `PUT /task`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskBody {
    #[serde(default, deserialize_with = "string")]
    pub create_by: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub update_by: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub firmware_id: Option<i64>,
    #[serde(default, deserialize_with = "string")]
    pub job_desc: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub job_name: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub product_id: Option<i64>,
    /// As it came: only an LwM2M product asks what it is, and elsewhere it may be anything.
    pub retry_times: Option<Value>,
    /// As it came: only a T-Link product asks what it is.
    pub out_time: Option<Value>,
}

/// The body of D9, `POST /operational`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationalBody {
    #[serde(default, deserialize_with = "string")]
    pub create_by: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub device_id_list: Option<String>,
    #[serde(default)]
    pub device_info_list: Option<Vec<DeviceInfo>>,
    #[serde(default, deserialize_with = "number")]
    pub job_id: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub operational: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub product_id: Option<i64>,
    #[serde(default, deserialize_with = "string")]
    pub task_id_list: Option<String>,
}

/// One device of `deviceInfoList`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceInfo {
    #[serde(default, deserialize_with = "string")]
    pub device_id: Option<String>,
}

/// The body of `PUT /firmware`, which is ours.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirmwareBody {
    #[serde(default, deserialize_with = "number")]
    pub product_id: Option<i64>,
    #[serde(default, deserialize_with = "string")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub version: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "string")]
    pub update_by: Option<String>,
}

/// Reads a body. What it is labelled as makes no difference: some clients send JSON as a form.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AepError> {
    json::object(bytes).map_err(|fault| AepError::bad(&fault.field, fault.reason))
}

/// A positive id that must be there.
pub(super) fn id(field: &str, id: Option<i64>) -> Result<i64, AepError> {
    match id {
        Some(id) if id > 0 => Ok(id),
        Some(_) => Err(AepError::bad(field, "is not a positive number")),
        None => Err(AepError::bad(field, "is missing")),
    }
}

/// A number that was kept as it came.
pub(super) fn kept_number(field: &str, value: Option<&Value>) -> Result<Option<i64>, AepError> {
    value.map_or(Ok(None), |value| number(value).map_err(|error| AepError::bad(field, error.to_string())))
}

#[cfg(test)]
mod tests;
