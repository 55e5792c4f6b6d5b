//! The envelope around every message between Drover's own roles.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A message between roles: named and versioned.
///
/// A change that an older reader would misunderstand raises [`Message::VERSION`].
/// A reader that meets a newer version leaves it on the queue for newer workers.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The message's name on the wire.
    const NAME: &'static str;
    /// The newest version this program understands, from 1.
    const VERSION: u16;

    /// Reads a message from the bytes of a delivery and its routing key.
    fn decode(bytes: &[u8], _routing_key: &str) -> Result<Self, DecodeError> {
        Envelope::open(bytes)
    }

    /// Writes the message as it travels.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Envelope { name: Self::NAME.into(), version: Self::VERSION, body: self })
    }
}

/// Name and version of a message beside its body.
#[derive(Debug, Serialize, Deserialize)]
pub struct Envelope<B> {
    /// [`Message::NAME`].
    pub name: String,
    /// [`Message::VERSION`] of the writer.
    pub version: u16,
    /// The message itself.
    pub body: B,
}

impl Envelope<()> {
    /// Opens an envelope that must hold an `M`.
    pub fn open<M: Message>(bytes: &[u8]) -> Result<M, DecodeError> {
        let envelope: Envelope<&RawValue> = serde_json::from_slice(bytes)?;
        if envelope.name != M::NAME {
            return Err(DecodeError::Unexpected { expected: M::NAME, found: envelope.name });
        }
        if envelope.version > M::VERSION {
            return Err(DecodeError::Newer { name: M::NAME, known: M::VERSION, found: envelope.version });
        }
        Ok(serde_json::from_str(envelope.body.get())?)
    }
}

/// Why a delivery could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not the JSON that this message has: poison.
    #[error("malformed message: {0}")]
    Malformed(#[from] serde_json::Error),
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
    Invalid(String),
    /// Written by a newer program: leave it for a newer worker.
    #[error("{name} version {found} is newer than version {known}, the newest known here")]
    Newer {
        /// The message.
        name: &'static str,
        /// The newest version known here.
        known: u16,
        /// The version that arrived.
        found: u16,
    },
}

impl DecodeError {
    /// Whether a newer worker would understand this message.
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Newer { .. })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::PlanJob;

    #[test]
    fn an_envelope_opens_as_what_was_put_in() {
        let bytes = PlanJob { job_id: 7 }.encode().unwrap();
        assert_eq!(PlanJob::decode(&bytes, "").unwrap(), PlanJob { job_id: 7 });
    }

    #[test]
    fn a_newer_version_is_told_from_poison() {
        let newer = br#"{"name":"plan_job","version":9,"body":{"what":"ever"}}"#;
        assert!(PlanJob::decode(newer, "").unwrap_err().is_newer());
        for poison in [
            &b"\xff"[..],
            b"{}",
            br#"{"name":"plan_job","version":1,"body":{}}"#,
            br#"{"name":"x","version":1,"body":{}}"#,
        ] {
            assert!(!PlanJob::decode(poison, "").unwrap_err().is_newer());
        }
    }
}
