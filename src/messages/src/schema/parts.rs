//! The schemas of fields whose types say too little. They take their limits from where the checks take them.

use std::{borrow::Cow, ops::RangeInclusive};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::{
    DeviceReport, Message,
    checks::{
        AMOUNTS, ATTEMPTS, CODE_MAX_CHARS, IDS, MD5_DIGITS, MESSAGE_MAX_CHARS, NAME_MAX_CHARS, SHA256_DIGITS, TIMES,
    },
};

/// The body of `POST /device/v1/reports`, which [`DeviceReport::from_body`] reads.
pub(crate) struct DeviceReports;

impl JsonSchema for DeviceReports {
    fn schema_name() -> Cow<'static, str> {
        "DeviceReports".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let report = generator.subschema_for::<DeviceReport>();
        json_schema!({
            "description": "The body of `POST /device/v1/reports`: one report or many, all of the device that calls.",
            "anyOf": [
                report,
                { "type": "array", "items": report, "minItems": 1, "maxItems": DeviceReport::MAX_IN_BODY },
            ],
        })
    }
}

/// Says in each object what all readers do: fields they do not know are ignored.
pub(crate) fn let_unknown_fields_pass(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".into(), json!(true));
    }
}

pub(crate) fn name<M: Message>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "const": M::NAME })
}

pub(crate) fn version<M: Message>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "const": M::VERSION })
}

pub(crate) fn id(_: &mut SchemaGenerator) -> Schema {
    integer(IDS)
}

pub(crate) fn ids(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": integer(IDS) })
}

pub(crate) fn attempt(_: &mut SchemaGenerator) -> Schema {
    integer(ATTEMPTS)
}

pub(crate) fn amount(_: &mut SchemaGenerator) -> Schema {
    integer(AMOUNTS)
}

pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    integer(TIMES)
}

pub(crate) fn code(_: &mut SchemaGenerator) -> Schema {
    short_text(CODE_MAX_CHARS)
}

pub(crate) fn message(_: &mut SchemaGenerator) -> Schema {
    short_text(MESSAGE_MAX_CHARS)
}

pub(crate) fn name_text(_: &mut SchemaGenerator) -> Schema {
    short_text(NAME_MAX_CHARS)
}

pub(crate) fn package_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": NAME_MAX_CHARS, "pattern": r"^[^\u0000]*$" })
}

/// May be left out, or null.
pub(crate) fn optional_amount(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["integer", "null"], "minimum": TIMES.start(), "maximum": TIMES.end() })
}

pub(crate) fn url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "uri" })
}

pub(crate) fn sha256(_: &mut SchemaGenerator) -> Schema {
    hash(SHA256_DIGITS)
}

pub(crate) fn md5(_: &mut SchemaGenerator) -> Schema {
    hash(MD5_DIGITS)
}

fn integer(allowed: RangeInclusive<i64>) -> Schema {
    json_schema!({ "type": "integer", "minimum": allowed.start(), "maximum": allowed.end() })
}

/// May be left out, or null; no NUL character.
fn short_text(max: usize) -> Schema {
    json_schema!({ "type": ["string", "null"], "maxLength": max, "pattern": r"^[^\u0000]*$" })
}

fn hash(digits: usize) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") })
}
