//! Which device behaves how: decided by seed and uuid alone, so that a test knows the outcome beforehand.

use super::FleetOptions;

/// What a device does with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Behaviour {
    /// Succeeds.
    Good,
    /// Fails.
    Failing,
    /// Never answers.
    Silent,
    /// Succeeds, and says so twice.
    Doubling,
    /// Succeeds when nobody waits any more.
    Late,
    /// Does not want it.
    Refusing,
}

/// Says which device behaves how.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    /// Who is not good, in this order.
    shares: [(f64, Behaviour); 5],
    heal_after: Option<i16>,
    behaviour: Spread,
    download: (f64, Spread),
    cancel_refusal: (f64, Spread),
    breaks: (f64, Spread),
}

impl Split {
    pub(crate) fn new(options: &FleetOptions) -> Self {
        let spread = |salt| Spread::new(options.seed, salt, options.devices);
        Self {
            shares: [
                (options.failure_rate, Behaviour::Failing),
                (options.silence_rate, Behaviour::Silent),
                (options.duplicate_rate, Behaviour::Doubling),
                (options.late_rate, Behaviour::Late),
                (options.refusal_rate, Behaviour::Refusing),
            ],
            heal_after: options.heal_after,
            behaviour: spread(1),
            download: (options.download_sample, spread(2)),
            cancel_refusal: (options.cancel_refusal_rate, spread(3)),
            breaks: (options.drop_rate, spread(4)),
        }
    }

    /// What the device does with an attempt.
    pub(crate) fn behaviour(&self, uuid: &str, attempt: i16) -> Behaviour {
        if self.heal_after.is_some_and(|healed| attempt >= healed) {
            return Behaviour::Good;
        }
        let place = self.behaviour.place(uuid);
        let mut share = 0.0;
        for (rate, behaviour) in self.shares {
            share += rate;
            if place.is_within(share) {
                return behaviour;
            }
        }
        Behaviour::Good
    }

    /// Whether the device really downloads its file.
    pub(crate) fn downloads(&self, uuid: &str) -> bool {
        is_among(uuid, self.download)
    }

    /// Whether the device does not stop when asked to.
    pub(crate) fn refuses_to_stop(&self, uuid: &str) -> bool {
        is_among(uuid, self.cancel_refusal)
    }

    /// Whether the device's connection breaks now and then.
    pub(super) fn breaks(&self, uuid: &str) -> bool {
        is_among(uuid, self.breaks)
    }
}

fn is_among(uuid: &str, (share, spread): (f64, Spread)) -> bool {
    spread.place(uuid).is_within(share)
}

/// A fixed shuffling of the devices.
#[derive(Debug, Clone, Copy)]
struct Spread {
    key: u64,
    numbered: Option<Numbered>,
}

/// Shuffles the numbers below `count` by `number * factor + offset`: with a factor that has no divisor in common with the
/// count, each place is taken once, so that every share is exact.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    count: u32,
    factor: u64,
    offset: u64,
}

/// The `rank`th of `of`.
#[derive(Debug, Clone, Copy)]
struct Place {
    rank: u32,
    of: u32,
}

impl Place {
    /// Whether it is among the first `share`, rounded to whole devices.
    fn is_within(self, share: f64) -> bool {
        f64::from(self.rank) + 0.5 <= share * f64::from(self.of)
    }
}

impl Spread {
    fn new(seed: u64, salt: u64, devices: usize) -> Self {
        let key = mix(seed ^ mix(salt));
        let numbered = u32::try_from(devices).ok().filter(|count| *count > 0).map(|count| {
            let of = u64::from(count);
            let first = mix(key) % of;
            let factor = (first..first + of).find(|factor| gcd(*factor, of) == 1).unwrap_or(1);
            Numbered { count, factor: factor % of, offset: mix(key.wrapping_add(1)) % of }
        });
        Self { key, numbered }
    }

    fn place(&self, uuid: &str) -> Place {
        let by_number = self.numbered.and_then(|numbered| {
            let number: u32 = uuid.rsplit('-').next()?.parse().ok()?;
            numbered.place(number)
        });
        // Whose number is none, or too large, is placed by name: right on average.
        by_number.unwrap_or_else(|| Place { rank: high_half(mark(self.key, uuid)), of: u32::MAX })
    }
}

impl Numbered {
    fn place(&self, number: u32) -> Option<Place> {
        if !(1..=self.count).contains(&number) {
            return None;
        }
        let rank = (u64::from(number - 1) * self.factor + self.offset) % u64::from(self.count);
        Some(Place { rank: u32::try_from(rank).ok()?, of: self.count })
    }
}

/// A number of the device's own, always the same for the same key.
pub(super) fn mark(key: u64, uuid: &str) -> u64 {
    uuid.bytes().fold(key, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// Half of the bits: enough, and exact as a float.
fn high_half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(u32::MAX)
}

/// The finaliser of `SplitMix64`: any change of the input changes about half of the output.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn options(seed: u64, devices: usize) -> FleetOptions {
        FleetOptions {
            seed,
            devices,
            failure_rate: 0.05,
            silence_rate: 0.05,
            duplicate_rate: 0.05,
            late_rate: 0.02,
            refusal_rate: 0.01,
            cancel_refusal_rate: 0.5,
            download_sample: 0.1,
            ..FleetOptions::default()
        }
    }

    fn counts(split: &Split, devices: u32) -> HashMap<Behaviour, u32> {
        let mut counts = HashMap::new();
        for number in 1..=devices {
            *counts.entry(split.behaviour(&format!("sim-x-{number:06}"), 1)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn the_shares_of_numbered_devices_are_exact_whatever_the_seed() {
        for seed in 0..20 {
            for devices in [1_u32, 2, 97, 100, 1000, 2000, 2310] {
                let split = Split::new(&options(seed, devices as usize));
                let counts = counts(&split, devices);
                let of = |behaviour| counts.get(&behaviour).copied().unwrap_or(0);
                // Cumulative shares are rounded, so each class is within one of its own share.
                for (behaviour, share) in [
                    (Behaviour::Failing, 0.05),
                    (Behaviour::Silent, 0.05),
                    (Behaviour::Doubling, 0.05),
                    (Behaviour::Late, 0.02),
                    (Behaviour::Refusing, 0.01),
                    (Behaviour::Good, 0.82),
                ] {
                    assert!((f64::from(of(behaviour)) - share * f64::from(devices)).abs() <= 1.0, "{seed} {devices}");
                }
                if devices == 2000 {
                    assert_eq!((of(Behaviour::Failing), of(Behaviour::Silent), of(Behaviour::Late)), (100, 100, 40));
                }
                assert_eq!(counts.values().sum::<u32>(), devices);
            }
        }
    }

    #[test]
    fn a_seed_always_gives_the_same_and_another_one_something_else() {
        let failing = |seed| -> Vec<u32> {
            let split = Split::new(&options(seed, 1000));
            (1..=1000).filter(|n| split.behaviour(&format!("sim-x-{n}"), 1) == Behaviour::Failing).collect()
        };
        assert_eq!(failing(7), failing(7));
        assert_ne!(failing(7), failing(8));
    }

    #[test]
    fn devices_without_a_number_are_right_on_average() {
        let split = Split::new(&options(3, 0));
        let failing = (0..20_000).filter(|n| split.behaviour(&format!("sim-{n}x"), 1) == Behaviour::Failing).count();
        assert!((800..1200).contains(&failing), "{failing}");
        let split = Split::new(&options(3, 10));
        let beyond = (11..2000).filter(|n| split.behaviour(&format!("sim-{n}"), 1) == Behaviour::Failing).count();
        assert!((60..140).contains(&beyond), "{beyond}");
    }

    #[test]
    fn samples_are_exact_and_independent_of_behaviour() {
        let split = Split::new(&options(5, 1000));
        let uuids: Vec<String> = (1..=1000).map(|n| format!("sim-{n}")).collect();
        assert_eq!(uuids.iter().filter(|uuid| split.downloads(uuid)).count(), 100);
        assert_eq!(uuids.iter().filter(|uuid| split.refuses_to_stop(uuid)).count(), 500);
    }

    #[test]
    fn from_the_healing_attempt_on_everybody_behaves() {
        let options = FleetOptions { heal_after: Some(2), ..options(1, 100) };
        let split = Split::new(&options);
        let failing = (1..=100).map(|n| format!("sim-{n}")).find(|uuid| split.behaviour(uuid, 1) == Behaviour::Failing);
        assert_eq!(split.behaviour(&failing.unwrap(), 2), Behaviour::Good);
    }
}
