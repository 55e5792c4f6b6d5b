//! Addresses with what a page is asked for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::web::params::Params;

/// What stands for itself in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b',');

/// `path` with a query of the pairs that have a value.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut sign = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(sign);
        address.push_str(name);
        address.push('=');
        address.extend(utf8_percent_encode(value, ENCODED));
        sign = '&';
    }
    address
}

/// `path` asked for what a page was asked for by `names`, and for more.
pub(super) fn same(path: &str, params: &Params, names: &[&'static str], more: &[(&str, &str)]) -> String {
    let kept = names.iter().map(|name| (*name, params.optional(name).unwrap_or_default()));
    address(path, &kept.chain(more.iter().copied()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_query() {
        let pairs = [("state", "failed,timed_out"), ("code", ""), ("text", "a&b=\"<ü> c")];
        assert_eq!(address("/ui", &pairs), "/ui?state=failed,timed_out&text=a%26b%3D%22%3C%C3%BC%3E%20c");
        assert_eq!(address("/ui", &[]), "/ui");
    }
}
