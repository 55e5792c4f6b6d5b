//! Medians, percentiles and rates.

use anyhow::Context;

/// The middle of some values, or the mean of the two in the middle; 0 of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => 0.0,
    }
}

/// The time in milliseconds that so many of 100 calls did not exceed, of times in microseconds, ascending; 0 of none.
pub(super) fn percentile_ms(ascending_us: &[u32], percent: usize) -> f64 {
    let rank = (ascending_us.len() * percent).div_ceil(100);
    ascending_us.get(rank.saturating_sub(1)).map_or(0.0, |took| f64::from(*took) / 1000.0)
}

/// So many in that time, in a second.
pub(super) fn per_second(count: usize, seconds: f64) -> anyhow::Result<f64> {
    let count = u32::try_from(count).context("too many calls")?;
    anyhow::ensure!(count > 0 && seconds > 0.0, "no call was answered");
    Ok(f64::from(count) / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_middle() {
        for (values, expected) in
            [(vec![], "0.0"), (vec![3.0], "3.0"), (vec![4.0, 1.0], "2.5"), (vec![9.0, 1.0, 2.0], "2.0")]
        {
            assert_eq!(format!("{:.1}", median(values)), expected);
        }
    }

    #[test]
    fn what_so_many_did_not_exceed() {
        let times: Vec<u32> = (1..=200).map(|n| n * 1000).collect();
        let percentile = |times: &[u32], percent| format!("{:.1}", percentile_ms(times, percent));
        assert_eq!(percentile(&times, 50), "100.0");
        assert_eq!(percentile(&times, 99), "198.0");
        assert_eq!(percentile(&[7000], 99), "7.0");
        assert_eq!(percentile(&[], 50), "0.0");
    }

    #[test]
    fn nothing_has_no_rate() {
        assert_eq!(format!("{:.1}", per_second(10, 4.0).unwrap()), "2.5");
        assert!(per_second(0, 4.0).is_err());
    }
}
