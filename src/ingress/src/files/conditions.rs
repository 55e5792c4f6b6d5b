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
    /// Nothing: it wants the file as it never was.
    Changed,
    /// Nothing: no such bytes.
    Unsatisfiable,
}

/// Evaluates the conditions of a call for a file of `size` bytes, in the order of 13.2.2.
pub(super) fn select(method: &Method, headers: &HeaderMap, tags: &Tags, size: u64) -> Selected {
    if is_changed(headers, tags) {
        return Selected::Changed;
    }
    if is_unchanged(headers, tags) {
        return Selected::Unchanged;
    }
    let range = text(headers, header::RANGE);
    match range {
        Some(range) if method == Method::GET && if_range_holds(headers, tags) => part(range, size),
        _ => Selected::Whole,
    }
}

/// `If-Match`, or in its absence `If-Unmodified-Since` (13.1.1, 13.1.4).
fn is_changed(headers: &HeaderMap, tags: &Tags) -> bool {
    if headers.contains_key(header::IF_MATCH) {
        // The strong comparison: a weak tag is never ours.
        return !listed(headers, &header::IF_MATCH).any(|tag| tag == "*" || tag == tags.etag);
    }
    let since = text(headers, header::IF_UNMODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
    since.is_some_and(|since| whole_seconds(tags.modified) > since)
}

/// `If-None-Match`, or in its absence `If-Modified-Since` (13.1.2, 13.1.3).
fn is_unchanged(headers: &HeaderMap, tags: &Tags) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        // The weak comparison.
        return names_tag(headers, &tags.etag);
    }
    let since = text(headers, header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
    since.is_some_and(|since| whole_seconds(tags.modified) <= since)
}

/// Whether `If-None-Match` names this tag, by the weak comparison (13.1.2).
pub(crate) fn names_tag(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    listed(headers, &header::IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

/// The tags of a header, which may be repeated. Our own hold no comma, so a comma always ends one.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
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
mod tests;
