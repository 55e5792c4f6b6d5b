//! Values that must not reach a log.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const HIDDEN: &str = "***";

/// A value that formats and serializes as `***`. Reading it takes a call that stands out in a review.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret<T>(T);

impl<T> Secret<T> {
    /// The value itself, for the one call that needs it.
    pub(crate) fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret<String> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would show a value of the wrong type.
        String::deserialize(deserializer).map(Self).map_err(|_| Error::custom("must be text"))
    }
}

/// Reads a key of 32 bytes that is written in base64, as `openssl rand -base64 32` prints it.
pub(super) fn key_from_base64<'de, D>(deserializer: D) -> Result<Option<Secret<[u8; 32]>>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(text) = Option::<Secret<String>>::deserialize(deserializer)? else { return Ok(None) };
    let bytes = STANDARD.decode(text.expose().trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(|key| Some(Secret(key)))
        .ok_or_else(|| Error::custom("must be 32 bytes in base64; `openssl rand -base64 32` makes one"))
}
