//! JSON as callers write it: a fault is named by its field, numbers may come as strings and strings as numbers.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error, Unexpected, Visitor},
};

/// What is wrong with a body, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The field's path, or `body`.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// Reads a body, an object. What it is labelled as makes no difference: some clients send JSON as a form.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let fault = |field: &str, reason: String| Fault { field: field.to_owned(), reason };
    // A derived reader would take an array for an object, field by field in order.
    match bytes.trim_ascii_start().first() {
        None => return Err(fault("body", "is missing".into())),
        Some(b'{') => {}
        Some(_) => return Err(fault("body", "is not a JSON object".into())),
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // "." is the body itself, "?" a place that has no name yet.
        let path = error.path().to_string();
        fault(if matches!(path.as_str(), "." | "?") { "body" } else { &path }, error.inner().to_string())
    })?;
    json.end().map_err(|error| fault("body", error.to_string()))?;
    Ok(value)
}

/// A whole number, or a string that holds one.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match deserializer.deserialize_any(Scalar)? {
        Some(Loose::Number(number)) => Ok(Some(number)),
        // 1.0 is what some serializers make of 1.
        Some(Loose::Float(number)) if number.fract() == 0.0 && number.abs() <= MAX_EXACT => {
            #[allow(clippy::cast_possible_truncation)] // it is whole, and no larger than what a double holds exactly
            let number = number as i64;
            Ok(Some(number))
        }
        Some(Loose::Float(number)) => Err(not_whole(number)),
        Some(Loose::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Loose::Text(text)) => text.trim().parse().map(Some).map_err(|_| D::Error::custom("is not a number")),
        None => Ok(None),
    }
}

/// A string, or a whole number as its digits. A float is refused: of 2.10 as a version, only 2.1 would be left.
pub(crate) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match deserializer.deserialize_any(Scalar)? {
        Some(Loose::Number(number)) => Ok(Some(number.to_string())),
        Some(Loose::Float(number)) => Err(not_whole(number)),
        Some(Loose::Text(text)) => Ok(Some(text)),
        None => Ok(None),
    }
}

/// A truth value, or a string or a number that means one.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct Truth;
    impl Visitor<'_> for Truth {
        type Value = Option<bool>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
            Ok(Some(truth))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            if text.trim().is_empty() {
                return Ok(None);
            }
            truth(text).map(Some).ok_or_else(|| E::custom("is not true or false"))
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Truth)
}

/// What a text says that means true or false.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "TRUE" | "True" | "1" => Some(true),
        "false" | "FALSE" | "False" | "0" => Some(false),
        _ => None,
    }
}

fn not_whole<E: Error>(number: f64) -> E {
    E::invalid_type(Unexpected::Float(number), &Scalar)
}

/// Up to here a double holds every whole number exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

enum Loose {
    Number(i64),
    Float(f64),
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

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Loose::Float(number)))
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
