//! How a job treats its commands: tries, time, and the pause between tries.

use std::time::Duration;

/// How a job treats its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Automatic tries after the first.
    pub retry_limit: i16,
    /// How long a device may take for one attempt, in seconds.
    pub attempt_timeout_s: i32,
    /// How long the whole job may take from its start, in seconds.
    pub job_timeout_s: i32,
}

impl Policy {
    /// How long a device may take for one attempt.
    pub fn attempt_timeout(self) -> Duration {
        Duration::from_secs(self.attempt_timeout_s.unsigned_abs().into())
    }
}

/// The pause before the next try: doubling, capped, and spread so that devices that failed together do not return together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second attempt.
    pub base: Duration,
    /// Never longer than this.
    pub max: Duration,
}

impl Backoff {
    /// The pause after `attempt` (from 1) failed. `chance` is uniform in 0..1; the pause lies between half and all of
    /// what doubling gives.
    pub fn after(self, attempt: i16, chance: f64) -> Duration {
        let doublings = u32::from(attempt.max(1).unsigned_abs() - 1).min(31);
        let full = self.base.saturating_mul(1 << doublings).min(self.max);
        full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_stays_between_half_and_the_whole_of_its_doubling(attempt in 1..i16::MAX, chance in 0.0..1.0) {
            let backoff = Backoff { base: Duration::from_secs(5), max: Duration::from_mins(15) };
            let pause = backoff.after(attempt, chance);
            prop_assert!(pause >= backoff.base / 2);
            prop_assert!(pause <= backoff.max);
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap() {
        let backoff = Backoff { base: Duration::from_secs(5), max: Duration::from_secs(15) };
        let pauses: Vec<u64> = (1..=4).map(|attempt| backoff.after(attempt, 1.0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 15, 15]);
    }
}
