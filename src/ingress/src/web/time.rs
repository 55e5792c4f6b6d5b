//! Times as text, `yyyy-MM-dd HH:mm:ss` in the tenant's time.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
const TEXT_LEN: usize = "2023-06-25 18:30:00".len();

/// A time as the tenant's clock shows it.
pub(crate) fn text(time: DateTime<Utc>, utc_offset_minutes: i16) -> String {
    let local = time.naive_utc().checked_add_signed(TimeDelta::minutes(utc_offset_minutes.into()));
    local.unwrap_or(time.naive_utc()).format(FORMAT).to_string()
}

/// The time at which the tenant's clock shows this.
pub(crate) fn parse(text: &str, utc_offset_minutes: i16) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, FORMAT).ok().filter(|_| text.len() == TEXT_LEN)?;
    Some(local.checked_sub_signed(TimeDelta::minutes(utc_offset_minutes.into()))?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_in_the_tenants_time() {
        let time = DateTime::from_timestamp(1_687_688_990, 0).unwrap();
        assert_eq!(text(time, 480), "2023-06-25 18:29:50");
        assert_eq!(parse("2023-06-25 18:29:50", 480), Some(time));
        assert_eq!(text(time, -600), "2023-06-25 00:29:50");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let bad = [
            "",
            "2023-06-25",
            "2023-6-25 18:29:50",
            "2023-02-30 00:00:00",
            "2023-06-25T18:29:50",
            "2023-06-25 24:00:00",
        ];
        for bad in bad {
            assert_eq!(parse(bad, 480), None, "{bad}");
        }
        assert!(text(DateTime::<Utc>::MAX_UTC, 840).len() >= TEXT_LEN);
    }
}
