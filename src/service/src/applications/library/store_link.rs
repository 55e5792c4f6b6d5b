//! The address of an application in Apple's store. It is read, and never called.

use percent_encoding::percent_decode_str;

use super::ApplicationRefusal as R;

/// Where applications of the store are.
const HOSTS: [&str; 2] = ["itunes.apple.com", "apps.apple.com"];
/// The longest address.
const MAX_CHARS: usize = 1000;
/// The longest name that is taken from an address.
const NAME_MAX_CHARS: usize = 128;

/// The address of an application in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreLink {
    /// Its number there.
    pub(super) store_id: i64,
    /// Its name, so far as the address tells.
    pub(super) name: String,
}

impl StoreLink {
    /// Reads an address like `https://itunes.apple.com/cn/app/2048/id840919914?mt=8`.
    pub(super) fn parse(text: &str) -> Result<Self, R> {
        let is_plain = text.len() <= MAX_CHARS && !text.contains(|c: char| c.is_control() || c.is_whitespace());
        let (scheme, rest) =
            Some(text).filter(|_| is_plain).and_then(|text| text.split_once("://")).ok_or(R::NotAUrl)?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(R::NotAUrl);
        }
        let address = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        if !HOSTS.iter().any(|known| host.eq_ignore_ascii_case(known)) {
            return Err(R::NotAUrl);
        }
        let segments: Vec<&str> = path.split('/').collect();
        let numbered = segments.iter().enumerate().rev().find_map(|(place, segment)| Some((place, number(segment)?)));
        let (place, store_id) = numbered.ok_or(R::NoStoreId)?;
        let slug = place.checked_sub(1).and_then(|place| segments.get(place)).copied().unwrap_or_default();
        Ok(Self { store_id, name: name(slug).unwrap_or_else(|| format!("id{store_id}")) })
    }
}

/// The number of a segment `id<digits>`.
fn number(segment: &str) -> Option<i64> {
    let digits = segment.strip_prefix("id").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number > 0)
}

/// The name that stands before the number; the store's addresses have `app` there when they have none.
fn name(slug: &str) -> Option<String> {
    let text = percent_decode_str(slug).decode_utf8().ok()?;
    let is_name = !text.trim().is_empty() && text != "app" && !text.contains(char::is_control);
    is_name.then(|| text.trim().chars().take(NAME_MAX_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_a_number_and_a_name() {
        for (text, store_id, name) in [
            ("https://itunes.apple.com/cn/app/2048/id840919914?mt=8", 840_919_914, "2048"),
            ("HTTP://Apps.Apple.com/us/app/%E7%BE%8E%E6%8B%8D/id847334708", 847_334_708, "美拍"),
            ("https://apps.apple.com/app/id5", 5, "id5"),
            ("https://apps.apple.com/id5#x", 5, "id5"),
            ("https://apps.apple.com/us/app/id7/id8/", 8, "id7"),
        ] {
            assert_eq!(StoreLink::parse(text), Ok(StoreLink { store_id, name: name.into() }), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_of_the_store_is_refused() {
        for text in [
            "",
            "itunes.apple.com/cn/app/2048/id840919914",
            "ftp://itunes.apple.com/id5",
            "https://itunes.apple.com.evil.example/id5",
            "https://itunes.apple.com@evil.example/id5",
            "https://evil.example/itunes.apple.com/id5",
            "https://user@itunes.apple.com/id5",
            "https://itunes.apple.com:444/id5",
            "https://itunes.apple.com/a b/id5",
            "https://itunes.apple.com/\nid5",
            &format!("https://itunes.apple.com/{}/id5", "x".repeat(MAX_CHARS)),
        ] {
            assert_eq!(StoreLink::parse(text), Err(R::NotAUrl), "{text}");
        }
    }

    #[test]
    fn an_address_without_a_number_is_refused() {
        for path in
            ["", "/", "/cn/app/2048", "/cn/app/2048/id", "/idx5", "/id-5", "/id0", "/id99999999999999999999", "/?id5"]
        {
            assert_eq!(StoreLink::parse(&format!("https://itunes.apple.com{path}")), Err(R::NoStoreId), "{path}");
        }
    }
}
