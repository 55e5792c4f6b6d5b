//! Messages, and the envelope around those between Drover's own roles.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    DecodeError, InvalidMessage,
    decode::{known, read_object},
};

/// A message: named and versioned.
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

    /// Checks what the types cannot say; whoever reads a message does it. Its schema says the same.
    fn check(&self) -> Result<(), InvalidMessage> {
        Ok(())
    }
}

/// What travels between roles: name and version of a message beside its body.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(bound = "B: Message + schemars::JsonSchema"))]
pub struct Envelope<B> {
    /// The message's name.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::name::<B>"))]
    pub name: String,
    /// The version in which it was written.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<B>"))]
    pub version: u16,
    /// The message itself.
    pub body: B,
}

impl Envelope<()> {
    /// Opens an envelope that must hold an `M`.
    pub fn open<M: Message>(bytes: &[u8]) -> Result<M, DecodeError> {
        #[derive(Deserialize)]
        struct Head {
            name: String,
            version: u64,
        }
        let Head { name, version } = read_object(bytes)?;
        if name != M::NAME {
            return Err(DecodeError::Unexpected { expected: M::NAME, found: name });
        }
        known::<M>(version)?;
        let envelope: Envelope<&RawValue> = read_object(bytes)?;
        let message: M = read_object(envelope.body.get().as_bytes())?;
        message.check()?;
        Ok(message)
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
