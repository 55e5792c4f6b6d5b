//! When a call says that it was made.

use chrono::{DateTime, TimeDelta, Utc};

use crate::web::time;

/// The zone of times as text: GMT+8, in minutes east of UTC.
const UTC_OFFSET_MINUTES: i16 = 8 * 60;
/// How far a caller's clock may be off.
pub(super) const MAX_SKEW: TimeDelta = TimeDelta::minutes(10);

/// Reads a timestamp: `yyyy-MM-dd HH:mm:ss` in GMT+8, or milliseconds since 1970, which real clients send.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok().and_then(DateTime::from_timestamp_millis)
    } else {
        time::parse(text, UTC_OFFSET_MINUTES)
    }
}

/// Whether a call that was made at `sent` came in time.
pub(super) fn is_fresh(sent: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    sent.signed_duration_since(now).abs() <= MAX_SKEW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_forms() {
        let time = DateTime::from_timestamp(1_451_620_800, 0).unwrap();
        assert_eq!(parse("2016-01-01 12:00:00"), Some(time));
        assert_eq!(parse("1451620800000"), Some(time));
    }

    #[test]
    fn what_is_no_time_is_none() {
        let long = "9".repeat(40);
        for bad in ["", "-1", "+1", "1.5", "2016-01-01", "2016-01-01T12:00:00", "2016-1-1 12:00:00", "now", &long] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("9223372036854775807"), None, "beyond every calendar");
    }

    #[test]
    fn ten_minutes_off_is_fresh_and_more_is_not() {
        let now = DateTime::from_timestamp(1_451_620_800, 0).unwrap();
        for sign in [-1, 1] {
            assert!(is_fresh(now + TimeDelta::seconds(600 * sign), now));
            assert!(!is_fresh(now + TimeDelta::milliseconds(600_001 * sign), now));
        }
    }
}
