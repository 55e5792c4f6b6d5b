//! Numbers that may come as strings and strings that may come as numbers.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A whole number, or a string that holds one.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
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
pub(super) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match deserializer.deserialize_any(Scalar)? {
        Some(Loose::Number(number)) => Ok(Some(number.to_string())),
        Some(Loose::Float(number)) => Err(not_whole(number)),
        Some(Loose::Text(text)) => Ok(Some(text)),
        None => Ok(None),
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
