//! Which part of a file a call wants, if any: conditions and ranges of RFC 9110 (13 and 14).

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, Method, header};
use http_range_header::{EndPosition, StartPosition, SyntacticallyCorrectRange, parse_range_header};

/// What identifies the bytes of a file.
#[derive(Debug)]
pub(super) struct Tags {
    /// A strong entity tag, with its quotes.
    pub etag: String,
    /// When the bytes were stored.
    pub modified: SystemTime,
}

/// What a call gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selected {
    /// The whole file.
    Whole,
    /// These bytes of it.
    Range(Range<u64>),
    /// Nothing: it has them.
    Unchanged,
    /// Nothing: no such bytes.
    Unsatisfiable,
}

/// Evaluates the conditions of a call for a file of `size` bytes.
pub(super) fn select(method: &Method, headers: &HeaderMap, tags: &Tags, size: u64) -> Selected {
    if is_unchanged(headers, tags) {
        return Selected::Unchanged;
    }
    let range = text(headers, header::RANGE);
    match range {
        Some(range) if method == Method::GET && if_range_holds(headers, tags) => part(range, size),
        _ => Selected::Whole,
    }
}

/// `If-None-Match`, or in its absence `If-Modified-Since` (13.1.2, 13.1.3).
fn is_unchanged(headers: &HeaderMap, tags: &Tags) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        // The weak comparison; our tags hold no comma, so a comma always ends one.
        return lists
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == tags.etag);
    }
    let since = text(headers, header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
    since.is_some_and(|since| whole_seconds(tags.modified) <= since)
}

/// `If-Range`: the strong comparison of a tag, or exactly the same date (13.1.5).
fn if_range_holds(headers: &HeaderMap, tags: &Tags) -> bool {
    if !headers.contains_key(header::IF_RANGE) {
        return true;
    }
    let Some(validator) = text(headers, header::IF_RANGE).map(str::trim) else { return false };
    validator == tags.etag
        || httpdate::parse_http_date(validator).is_ok_and(|date| date == whole_seconds(tags.modified))
}

/// The bytes that a `Range` names. What is no byte range is ignored, as is more than one (14.2).
fn part(range: &str, size: u64) -> Selected {
    let Ok(parsed) = parse_range_header(range.trim()) else { return Selected::Whole };
    let [SyntacticallyCorrectRange { start, end }] = parsed.ranges[..] else { return Selected::Whole };
    let start = match start {
        StartPosition::Index(start) => start,
        StartPosition::FromLast(length) => size.saturating_sub(length),
    };
    let end = match end {
        EndPosition::Index(last) if last < start => return Selected::Whole,
        EndPosition::Index(last) => last.saturating_add(1).min(size),
        EndPosition::LastByte => size,
    };
    if start < end { Selected::Range(start..end) } else { Selected::Unsatisfiable }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// A time as precise as HTTP's dates are.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ETAG: &str = "\"abc\"";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const SIZE: u64 = 100;

    fn get(headers: &[(HeaderName, &str)]) -> Selected {
        with(&Method::GET, headers)
    }

    fn with(method: &Method, headers: &[(HeaderName, &str)]) -> Selected {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let modified = httpdate::parse_http_date(DATE).unwrap() + Duration::from_millis(400);
        select(method, &headers, &Tags { etag: ETAG.into(), modified }, SIZE)
    }

    #[test]
    fn one_range_is_a_part() {
        for (range, selected) in [
            ("bytes=0-0", Selected::Range(0..1)),
            ("bytes=10-19", Selected::Range(10..20)),
            ("bytes=90-", Selected::Range(90..100)),
            ("bytes=90-1000", Selected::Range(90..100)),
            ("bytes=-10", Selected::Range(90..100)),
            ("bytes=-1000", Selected::Range(0..100)),
            ("bytes=0-18446744073709551615", Selected::Range(0..100)),
            ("bytes=100-", Selected::Unsatisfiable),
            ("bytes=100-200", Selected::Unsatisfiable),
            ("bytes=9-5", Selected::Whole),
            ("bytes=0-1,5-6", Selected::Whole),
            ("lines=0-1", Selected::Whole),
            ("bytes=x-y", Selected::Whole),
            ("", Selected::Whole),
        ] {
            assert_eq!(get(&[(header::RANGE, range)]), selected, "{range}");
        }
        assert_eq!(with(&Method::HEAD, &[(header::RANGE, "bytes=0-0")]), Selected::Whole);
    }

    #[test]
    fn a_range_of_another_file_is_the_whole_of_this_one() {
        for (validator, holds) in [
            (ETAG, true),
            (DATE, true),
            ("\"other\"", false),
            ("W/\"abc\"", false),
            (LATER, false),
            ("nonsense", false),
        ] {
            let selected = get(&[(header::RANGE, "bytes=0-9"), (header::IF_RANGE, validator)]);
            assert_eq!(selected, if holds { Selected::Range(0..10) } else { Selected::Whole }, "{validator}");
        }
    }

    #[test]
    fn who_has_the_file_is_told_so() {
        for tag in [ETAG, "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(
                get(&[(header::IF_NONE_MATCH, tag), (header::RANGE, "bytes=0-9")]),
                Selected::Unchanged,
                "{tag}"
            );
        }
        assert_eq!(get(&[(header::IF_MODIFIED_SINCE, DATE)]), Selected::Unchanged);
        assert_eq!(get(&[(header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT")]), Selected::Whole);
        // A tag is asked first; the date then counts for nothing.
        let both = [(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, LATER)];
        assert_eq!(get(&both), Selected::Whole);
    }

    proptest! {
        #[test]
        fn any_range_stays_inside_the_file(range in "bytes=[0-9,-]{0,12}|\\PC{0,12}", size in 0_u64..50) {
            if let Selected::Range(range) = part(&range, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
