//! How a simulated fleet behaves.

use std::time::Duration;

/// How a simulated fleet behaves. The rates are shares of the fleet, each from 0 to 1; a device belongs to one of the first
/// five at most.
#[derive(Debug, Clone)]
pub(crate) struct FleetOptions {
    /// The routing keys that are listened to.
    pub(crate) pattern: String,
    /// The start of the uuids of the fleet's devices; commands for others are left alone.
    pub(crate) prefix: String,
    /// How many devices there are whose uuids end in `-1` to `-<devices>`, zeroes before the number allowed: among them the
    /// rates are exact. Among others they hold on average.
    pub(crate) devices: usize,
    /// Decides which device behaves how, and every latency.
    pub(crate) seed: u64,
    /// Devices that fail.
    pub(crate) failure_rate: f64,
    /// Devices that never answer.
    pub(crate) silence_rate: f64,
    /// Devices that answer twice.
    pub(crate) duplicate_rate: f64,
    /// Devices that answer after the attempt was given up.
    pub(crate) late_rate: f64,
    /// Devices that refuse the command.
    pub(crate) refusal_rate: f64,
    /// Of all devices, those that cannot stop any more when asked to.
    pub(crate) cancel_refusal_rate: f64,
    /// Of all devices, those that really download their file, if they come so far.
    pub(crate) download_sample: f64,
    /// Of all devices, those whose connection breaks now and then. Where all share one, none may.
    pub(crate) drop_rate: f64,
    /// How files are downloaded.
    pub(crate) downloads: DownloadLimits,
    /// From this attempt on, every device behaves well.
    pub(crate) heal_after: Option<i16>,
    /// The shortest time from a command to its answer.
    pub(crate) latency_min: Duration,
    /// The longest; latencies are spread evenly.
    pub(crate) latency_max: Duration,
    /// How long a late device takes; `None`: two seconds more than its command allows.
    pub(crate) late_after: Option<Duration>,
    /// Whether devices tell of downloading and installing.
    pub(crate) progress: bool,
    /// Devices whose last command is remembered; the oldest are forgotten first.
    pub(crate) remembered: usize,
    /// How long answers that are due later are still given after the fleet was told to stop.
    pub(crate) drain: Duration,
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self {
            pattern: "devices.*.commands".into(),
            prefix: "sim-".into(),
            devices: 0,
            seed: 1,
            failure_rate: 0.0,
            silence_rate: 0.0,
            duplicate_rate: 0.0,
            late_rate: 0.0,
            refusal_rate: 0.0,
            cancel_refusal_rate: 0.0,
            download_sample: 0.0,
            drop_rate: 0.0,
            downloads: DownloadLimits::default(),
            heal_after: None,
            latency_min: Duration::ZERO,
            latency_max: Duration::ZERO,
            late_after: None,
            progress: false,
            remembered: 1_000_000,
            drain: Duration::ZERO,
        }
    }
}

impl FleetOptions {
    /// Checks that each rate is a share, and that those that exclude each other are no more than everybody.
    pub(crate) fn check(&self) -> Result<(), InvalidRates> {
        let exclusive = [
            ("failure", self.failure_rate),
            ("silence", self.silence_rate),
            ("duplicate", self.duplicate_rate),
            ("late", self.late_rate),
            ("refusal", self.refusal_rate),
        ];
        let others = [
            ("cancel refusal", self.cancel_refusal_rate),
            ("download", self.download_sample),
            ("drop", self.drop_rate),
        ];
        if let Some((name, value)) = exclusive.into_iter().chain(others).find(|(_, value)| !(0.0..=1.0).contains(value))
        {
            return Err(InvalidRates::OutOfRange { name, value });
        }
        let sum: f64 = exclusive.iter().map(|(_, value)| value).sum();
        // Ten times 0.1 is not quite 1.
        if sum > 1.0 + 1e-9 { Err(InvalidRates::TooMuch(sum)) } else { Ok(()) }
    }
}

/// Rates that no fleet can have.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub(crate) enum InvalidRates {
    /// Not a share.
    #[error("the {name} rate is {value}; it must be from 0 to 1")]
    OutOfRange {
        /// Which.
        name: &'static str,
        /// What it is.
        value: f64,
    },
    /// More than everybody.
    #[error("failure, silence, duplicate, late and refusal rate add up to {0}; together they must not exceed 1")]
    TooMuch(f64),
}

/// Limits of downloading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DownloadLimits {
    /// Downloads at a time; the others wait.
    pub(crate) concurrency: usize,
    /// Time for one download.
    pub(crate) timeout: Duration,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        Self { concurrency: 16, timeout: Duration::from_mins(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shares_of_one_fleet() {
        let fleet = FleetOptions::default;
        assert_eq!(fleet().check(), Ok(()));
        let whole = FleetOptions {
            failure_rate: 0.3,
            silence_rate: 0.3,
            duplicate_rate: 0.2,
            late_rate: 0.1,
            refusal_rate: 0.1,
            ..fleet()
        };
        assert_eq!(whole.check(), Ok(()));
        for options in [
            FleetOptions { failure_rate: -0.1, ..fleet() },
            FleetOptions { download_sample: 1.1, ..fleet() },
            FleetOptions { silence_rate: f64::NAN, ..fleet() },
            FleetOptions { failure_rate: 0.6, late_rate: 0.6, ..fleet() },
        ] {
            assert!(options.check().is_err(), "{options:?}");
        }
    }
}
