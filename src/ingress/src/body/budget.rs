//! How much of the memory all bodies may take together.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::whole::BodyError;

/// The unit of the budget: a semaphore counts in 32 bits.
const UNIT_BYTES: usize = 1 << 10;
/// A body up to this long needs no room. It is less than a connection may buffer anyway, so the limit of connections bounds
/// them all; and whoever fills the budget cannot keep out the calls that most callers make.
const FREE_BYTES: usize = 16 << 10;

/// Whether a body of this length needs room.
pub(super) const fn counts(bytes: usize) -> bool {
    bytes > FREE_BYTES
}

/// The room for bodies; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    room: Arc<Semaphore>,
    units: u32,
    patience: Duration,
}

impl Budget {
    /// Room for `bytes`, for which a call waits as long as `patience`.
    pub(crate) fn new(bytes: usize, patience: Duration) -> Self {
        let units = units(bytes).min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { room: Arc::new(Semaphore::new(units as usize)), units, patience }
    }

    /// Takes room for a body of this length, if it needs any. Nobody can ask for more than there is at best: a body that
    /// is larger has all of it.
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, BodyError> {
        if !counts(bytes) {
            return Ok(None);
        }
        let room = Arc::clone(&self.room).acquire_many_owned(units(bytes).min(self.units));
        match timeout(self.patience, room).await {
            Ok(Ok(room)) => Ok(Some(room)),
            // Not in time; the semaphore itself is never closed.
            Ok(Err(_)) | Err(_) => Err(BodyError::NoRoom),
        }
    }
}

/// The units that so many bytes take.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}
