//! Reading messages: what all of them have in common, and why one is not taken.

use std::ops::RangeInclusive;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

use crate::Message;

/// The version of a flat message that does not say.
pub(crate) const FIRST_VERSION: u16 = 1;

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not the JSON that this message has: poison. The path to the field comes first.
    #[error("malformed message: {0}")]
    Malformed(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// Another message than this queue carries: poison.
    #[error("expected a {expected} message, found {found}")]
    Unexpected {
        /// What this queue carries.
        expected: &'static str,
        /// What arrived.
        found: String,
    },
    /// Well formed, but a field's value is not allowed: poison.
    #[error("invalid message: {0}")]
    Invalid(#[from] InvalidMessage),
    /// Written by a newer program: leave it for a newer worker.
    #[error("{name} version {found} is newer than version {known}, the newest known here")]
    Newer {
        /// The message.
        name: &'static str,
        /// The newest version known here.
        known: u16,
        /// The version that arrived.
        found: u64,
    },
    /// One of many in an array could not be read.
    #[error("[{index}]: {source}")]
    At {
        /// Its place in the array, from 0.
        index: usize,
        /// Why.
        source: Box<Self>,
    },
}

impl DecodeError {
    /// Whether a newer worker would understand this message.
    pub fn is_newer(&self) -> bool {
        match self {
            Self::Newer { .. } => true,
            Self::At { source, .. } => source.is_newer(),
            Self::Malformed(_) | Self::Unexpected { .. } | Self::Invalid(_) => false,
        }
    }
}

/// Why a well-formed message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// It is another kind of JSON.
    #[error("not a JSON object")]
    NotAnObject,
    /// It did not arrive on `devices.<uuid>.reports`.
    #[error("the topic is not devices.<uuid>.reports")]
    Topic,
    /// Versions start at 1.
    #[error("version 0: versions start at 1")]
    Version,
    /// A number is too small or too large.
    #[error("{field} is {found}, which is not from {} to {}", allowed.start(), allowed.end())]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        found: i64,
        /// What it may be.
        allowed: RangeInclusive<i64>,
    },
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
    /// A hash is not what its kind looks like.
    #[error("{field} is not {digits} lower-case hexadecimal digits")]
    Hash {
        /// The field.
        field: &'static str,
        /// The length of such a hash.
        digits: usize,
    },
    /// A text that must say something.
    #[error("{field} is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A list is too long.
    #[error("{field} has {found} entries; at most {max} are allowed")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// Too few or too many reports in one body.
    #[error("{found} reports in one body; from {} to {} are allowed", allowed.start(), allowed.end())]
    Count {
        /// How many there are.
        found: usize,
        /// How many there may be.
        allowed: RangeInclusive<usize>,
    },
}

/// Reads a JSON object; an error names the field.
///
/// An array with the fields' values in their order would be read too, if nobody looked, and its first value be taken for a
/// version: that would make nonsense of devices a newer message, which nobody ever puts aside.
pub(crate) fn read_object<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    match bytes.trim_ascii_start().first() {
        Some(b'[') => Err(InvalidMessage::NotAnObject.into()),
        _ => read(bytes),
    }
}

/// Reads the objects in an array, for a field. As [`read_object`] says, an array of values would pass for an object.
pub(crate) fn objects<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<serde_json::Map<String, serde_json::Value>>::deserialize(deserializer)?;
    let object = |object| serde_json::from_value(serde_json::Value::Object(object)).map_err(D::Error::custom);
    objects.into_iter().map(object).collect()
}

/// Reads each element of an array; an error says which it is about.
pub(crate) fn read_each<T>(
    elements: &[&RawValue],
    mut read_one: impl FnMut(&[u8]) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let one = |(index, element): (usize, &&RawValue)| {
        read_one(element.get().as_bytes()).map_err(|error| DecodeError::At { index, source: error.into() })
    };
    elements.iter().enumerate().map(one).collect()
}

/// Reads JSON; an error names the field.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let value = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let value = value.and_then(|value| json.end().map(|()| value));
    Ok(value.map_err(|error| serde_path_to_error::Error::new(track.path(), error))?)
}

/// Refuses a version that is not known here. Comes before anything else of a message is looked at, because a newer version
/// may have changed anything else.
pub(crate) fn known<M: Message>(version: u64) -> Result<(), DecodeError> {
    match version {
        0 => Err(InvalidMessage::Version.into()),
        found if found > M::VERSION.into() => Err(DecodeError::Newer { name: M::NAME, known: M::VERSION, found }),
        _ => Ok(()),
    }
}

/// Reads a message that travels without an envelope, with its version in `v`.
pub(crate) fn read_flat<M: Message + DeserializeOwned>(bytes: &[u8]) -> Result<M, DecodeError> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default = "first_version")]
        v: u64,
    }
    let Head { v } = read_object(bytes)?;
    known::<M>(v)?;
    let message: M = read_object(bytes)?;
    message.check()?;
    Ok(message)
}

fn first_version() -> u64 {
    FIRST_VERSION.into()
}
