//! Where a call came from: the connection's other end, or what trusted proxies in front say of theirs.

use std::net::IpAddr;

use axum::extract::Request;
use http::HeaderMap;

use crate::serve::Peer;

/// The header in which each proxy adds the address that it was called from, at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Puts the caller's address in the place of the proxy's, of which there are `proxies` in a row. What stands further ahead in
/// the header is the caller's own word, and is not believed.
pub(crate) fn look_behind(request: &mut Request, proxies: u8) {
    if let Some(address) = forwarded(request.headers(), proxies) {
        request.extensions_mut().insert(Peer(address));
    }
}

fn forwarded(headers: &HeaderMap, proxies: u8) -> Option<IpAddr> {
    let place = usize::from(proxies).checked_sub(1)?;
    let lists: Option<Vec<&str>> = headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().ok()).collect();
    let lists = lists?;
    let said = lists.iter().flat_map(|list| list.split(',')).map(str::trim);
    said.rev().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_addresses_are_believed_as_there_are_proxies() {
        let told = |values: &[&str], proxies| {
            let headers =
                values.iter().map(|value| (http::HeaderName::from_static(FORWARDED_FOR), value.parse().unwrap()));
            forwarded(&headers.collect(), proxies).map(|address| address.to_string())
        };
        let lists = ["9.9.9.9, 203.0.113.7", "10.0.0.2"];
        assert_eq!(told(&lists, 0), None, "without a proxy the header is the caller's");
        assert_eq!(told(&lists, 1).as_deref(), Some("10.0.0.2"));
        assert_eq!(told(&lists, 2).as_deref(), Some("203.0.113.7"));
        assert_eq!(told(&lists, 4), None);
        assert_eq!(told(&["2001:db8::1"], 1).as_deref(), Some("2001:db8::1"));
        assert_eq!(told(&["unknown"], 1), None);
    }
}
