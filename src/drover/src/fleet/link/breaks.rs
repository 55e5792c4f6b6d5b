//! Devices whose connection breaks now and then.

use std::{ops::RangeInclusive, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::fleet::behaviour::mark;

/// How long a connection lasts.
const LASTS: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(10);
/// How long the device stays away then.
const AWAY: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(5);

/// When a device's connection breaks and when it returns: the same for the same seed and device.
#[derive(Debug)]
pub(super) struct Breaks(StdRng);

impl Breaks {
    pub(super) fn new(seed: u64, uuid: &str) -> Self {
        Self(StdRng::seed_from_u64(mark(seed, uuid)))
    }

    /// How long the next connection lasts.
    pub(super) fn lasts(&mut self) -> Duration {
        self.0.random_range(LASTS)
    }

    /// How long the device stays away after that.
    pub(super) fn away(&mut self) -> Duration {
        self.0.random_range(AWAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_breaks_at_the_same_time() {
        let times = |seed, uuid| {
            let mut breaks = Breaks::new(seed, uuid);
            [breaks.lasts(), breaks.away(), breaks.lasts()]
        };
        assert_eq!(times(1, "d1"), times(1, "d1"));
        assert_ne!(times(1, "d1"), times(1, "d2"));
        assert_ne!(times(1, "d1"), times(2, "d1"));
    }
}
