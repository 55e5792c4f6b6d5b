//! Pauses between the tries of one device: longer each time, capped, and never in step with other devices.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long a device waits before its next try.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next pause: between half and all of a time that doubles with each failure.
    pub(super) fn next(&mut self, random: &mut StdRng) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(random.random_range(0.5..=1.0))
    }

    /// What was tried works again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_start_over() {
        let (mut backoff, mut random) = (Backoff::default(), StdRng::seed_from_u64(1));
        let pauses: Vec<_> = (0..100).map(|_| backoff.next(&mut random)).collect();
        assert!((FIRST / 2..=FIRST).contains(&pauses[0]));
        assert!(pauses[7..].iter().all(|pause| (LONGEST / 2..=LONGEST).contains(pause)), "{pauses:?}");
        backoff.reset();
        assert!(backoff.next(&mut random) <= FIRST);
    }
}
