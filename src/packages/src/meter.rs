//! The work that one package has cost so far, and its deadline.

use std::cell::Cell;
use std::time::Duration;

use crate::{Limits, PackageError};

/// Units of work between two looks at the clock.
const LOOK_EVERY: u64 = 64 * 1024;
/// What one step of a parser counts, in bytes that could have been unpacked meanwhile.
const STEP: usize = 64;

/// Counts work, a unit for each byte that was read or unpacked, and looks at the clock every 64 KiB of it.
pub(crate) struct Meter<'c> {
    elapsed: &'c dyn Fn() -> Duration,
    max_time: Duration,
    since_look: Cell<u64>,
}

impl<'c> Meter<'c> {
    pub(crate) fn new(limits: &Limits, elapsed: &'c dyn Fn() -> Duration) -> Self {
        Self { elapsed, max_time: limits.max_time, since_look: Cell::new(0) }
    }

    /// So many bytes were read or unpacked.
    pub(crate) fn bytes(&self, count: usize) -> Result<(), PackageError> {
        let since_look = self.since_look.get().saturating_add(count as u64);
        if since_look < LOOK_EVERY {
            self.since_look.set(since_look);
            return Ok(());
        }
        self.since_look.set(0);
        if (self.elapsed)() > self.max_time { Err(PackageError::TimedOut(self.max_time)) } else { Ok(()) }
    }

    /// A parser went a step on.
    pub(crate) fn step(&self) -> Result<(), PackageError> {
        self.bytes(STEP)
    }
}
