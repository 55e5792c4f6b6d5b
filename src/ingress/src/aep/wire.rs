//! The bodies of the document's requests. Every field is optional here: what is required depends on the operation and
//! the protocol, and is asked for by name in each resource's file. Numbers may come as strings and strings as numbers,
//! as the document's own samples do ("outTime": "129"); an empty string is an absent value.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, Visitor},
};

use super::errors::AepError;

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
    #[serde(default, deserialize_with = "number")]
    pub retry_times: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub out_time: Option<i64>,
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
    // A derived reader would take an array for an object, field by field in order.
    match bytes.trim_ascii_start().first() {
        None => return Err(AepError::bad("body", "is missing")),
        Some(b'{') => {}
        Some(_) => return Err(AepError::bad("body", "is not a JSON object")),
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // "." is the body itself, "?" a place that has no name yet.
        let path = error.path().to_string();
        AepError::bad(if matches!(path.as_str(), "." | "?") { "body" } else { &path }, error.inner().to_string())
    })?;
    json.end().map_err(|error| AepError::bad("body", error.to_string()))?;
    Ok(value)
}

/// A positive id that must be there.
pub(super) fn id(field: &str, id: Option<i64>) -> Result<i64, AepError> {
    match id {
        Some(id) if id > 0 => Ok(id),
        Some(_) => Err(AepError::bad(field, "is not a positive number")),
        None => Err(AepError::bad(field, "is missing")),
    }
}

/// A whole number, or a string that holds one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match deserializer.deserialize_any(Scalar)? {
        Some(Loose::Number(number)) => Ok(Some(number)),
        Some(Loose::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Loose::Text(text)) => text.trim().parse().map(Some).map_err(|_| D::Error::custom("is not a number")),
        None => Ok(None),
    }
}

/// A string, or a number as its digits.
fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(deserializer.deserialize_any(Scalar)?.map(|value| match value {
        Loose::Number(number) => number.to_string(),
        Loose::Text(text) => text,
    }))
}

enum Loose {
    Number(i64),
    Text(String),
}

struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Option<Loose>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a string")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Loose::Number(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        i64::try_from(number).map(|number| Some(Loose::Number(number))).map_err(|_| E::custom("is too large a number"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Loose::Text(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(Loose::Text(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
