//! The work that one package has cost so far, and its deadline.

use std::cell::Cell;
use std::time::Duration;

use crate::{Limits, PackageError};

/// Units of work between two looks at the clock.
const LOOK_EVERY: u64 = 64 * 1024;
/// What one step of a parser counts, in bytes that could have been unpacked meanwhile.
const STEP: usize = 16;

/// Counts work, a unit for each byte that was read or unpacked, and looks at the clock every 64 KiB of it.
pub(crate) struct Meter<'c> {
    elapsed: &'c dyn Fn() -> Duration,
    max_time: Duration,
    max_work: u64,
    work: Cell<u64>,
}

impl<'c> Meter<'c> {
    pub(crate) fn new(limits: &Limits, elapsed: &'c dyn Fn() -> Duration) -> Self {
        Self { elapsed, max_time: limits.max_time, max_work: limits.max_work, work: Cell::new(0) }
    }

    /// So many bytes were read or unpacked.
    pub(crate) fn bytes(&self, count: usize) -> Result<(), PackageError> {
        let before = self.work.get();
        let work = before.saturating_add(count as u64);
        self.work.set(work);
        if work > self.max_work {
            return Err(PackageError::TooLarge { what: "units of work", limit: self.max_work });
        }
        let looks = before / LOOK_EVERY != work / LOOK_EVERY;
        if looks && (self.elapsed)() > self.max_time { Err(PackageError::TimedOut(self.max_time)) } else { Ok(()) }
    }

    /// A parser went a step on.
    pub(crate) fn step(&self) -> Result<(), PackageError> {
        self.bytes(STEP)
    }
}
