//! Every condition of RFC 9110 on its own, and which of them is asked first.

use proptest::prelude::*;

use super::*;

const ETAG: &str = "\"abc\"";
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
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
    for (validator, holds) in
        [(ETAG, true), (DATE, true), ("\"other\"", false), ("W/\"abc\"", false), (LATER, false), ("nonsense", false)]
    {
        let selected = get(&[(header::RANGE, "bytes=0-9"), (header::IF_RANGE, validator)]);
        assert_eq!(selected, if holds { Selected::Range(0..10) } else { Selected::Whole }, "{validator}");
    }
}

#[test]
fn who_has_the_file_is_told_so() {
    for tag in [ETAG, "W/\"abc\"", "\"x\", \"abc\"", "*"] {
        assert_eq!(get(&[(header::IF_NONE_MATCH, tag), (header::RANGE, "bytes=0-9")]), Selected::Unchanged, "{tag}");
    }
    assert_eq!(get(&[(header::IF_MODIFIED_SINCE, DATE)]), Selected::Unchanged);
    assert_eq!(get(&[(header::IF_MODIFIED_SINCE, EARLIER)]), Selected::Whole);
    // A tag is asked first; the date then counts for nothing.
    let both = [(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, LATER)];
    assert_eq!(get(&both), Selected::Whole);
}

#[test]
fn who_wants_the_file_as_it_was_gets_it_or_nothing() {
    for (tag, holds) in [
        (ETAG, true),
        ("*", true),
        ("\"x\", \"abc\"", true),
        ("\"x\"", false),
        ("W/\"abc\"", false),
        ("", false),
        ("é", false),
    ] {
        let selected = get(&[(header::IF_MATCH, tag), (header::RANGE, "bytes=0-9")]);
        assert_eq!(selected, if holds { Selected::Range(0..10) } else { Selected::Changed }, "{tag}");
        assert_eq!(with(&Method::HEAD, &[(header::IF_MATCH, tag)]) == Selected::Whole, holds, "{tag}");
    }
    for (date, holds) in [(DATE, true), (LATER, true), (EARLIER, false), ("nonsense", true)] {
        let selected = get(&[(header::IF_UNMODIFIED_SINCE, date)]);
        assert_eq!(selected, if holds { Selected::Whole } else { Selected::Changed }, "{date}");
    }
}

#[test]
fn conditions_are_asked_in_their_order() {
    // A tag counts, and a date beside it for nothing.
    assert_eq!(get(&[(header::IF_MATCH, ETAG), (header::IF_UNMODIFIED_SINCE, EARLIER)]), Selected::Whole);
    assert_eq!(get(&[(header::IF_MATCH, "\"x\""), (header::IF_UNMODIFIED_SINCE, LATER)]), Selected::Changed);
    // First whether it is the right file, then whether it is known, then which part of it.
    for precondition in [(header::IF_MATCH, "\"x\""), (header::IF_UNMODIFIED_SINCE, EARLIER)] {
        let known = [precondition.clone(), (header::IF_NONE_MATCH, ETAG)];
        assert_eq!(get(&known), Selected::Changed);
        assert_eq!(get(&[precondition, (header::RANGE, "bytes=100-")]), Selected::Changed);
    }
    for precondition in [(header::IF_MATCH, ETAG), (header::IF_UNMODIFIED_SINCE, DATE)] {
        assert_eq!(get(&[precondition, (header::IF_NONE_MATCH, ETAG)]), Selected::Unchanged);
    }
}

proptest! {
    #[test]
    fn any_range_stays_inside_the_file(range in "bytes=[0-9,-]{0,12}|\\PC{0,12}", size in 0_u64..50) {
        if let Selected::Range(range) = part(&range, size) {
            prop_assert!(range.start < range.end && range.end <= size);
        }
    }
}
