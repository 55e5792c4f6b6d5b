//! The vectors of requirements.md, the tolerated differences, and properties.

use proptest::prelude::*;

use super::*;

const SECRET: &[u8] = b"xQcjrfNLvQ";
const MK: &str = "cd35c680b6d647068861f7fd4e79d3f5";
const DEVICES: [&str; 9] = [
    "id",
    "productId",
    "isSelectDevice",
    "pageNow",
    "pageSize",
    "deviceIdSearch",
    "deviceNameSearch",
    "imeiSearch",
    "deviceNoSearch",
];

fn pairs(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn call<'a>(parameters: &'a [(String, String)], master_key: Option<&'a str>, body: &'a [u8]) -> Signed<'a> {
    let (application, timestamp) = ("dFI1lzE0EN2", "1515752817580");
    Signed { application, timestamp, parameters, master_key, declared: &DEVICES, body }
}

#[test]
fn the_vectors_verify() {
    let v1 = pairs(&[("id", "3439"), ("productId", "10005986")]);
    assert_eq!(call(&v1, Some(MK), b"").sign(SECRET), "/uEWJeihiaYwbBIxEWTK74H3MVM=");
    let v2 = pairs(&[
        ("deviceNameSearch", "十大 城市"),
        ("id", ""),
        ("isSelectDevice", "2"),
        ("pageNow", "1"),
        ("pageSize", "20"),
        ("productId", "10005986"),
    ]);
    assert_eq!(call(&v2, Some(""), b"").sign(SECRET), "0nQpjpsHkIOM8ZrZkNYd0KXftQA=");
    let body = r#"{"createBy":"huangliang","firmwareId":3167,"jobName":"北向测试","productId":10004516,"retryTimes":1,"outTime":"129"}"#;
    assert_eq!(call(&[], Some(MK), body.as_bytes()).sign(SECRET), "9Xxom8PiRbbV9zI7x7S7AMoZqsc=");
    let v4 = pairs(&[("id", "3456")]);
    let v4 = call(&v4, None, br#"{"productId":10005977,"runStatus":2}"#);
    assert_eq!(v4.sign(SECRET), "iudgxoeqCxJgwYoIZoGBDvCw5tM=");
    assert!(v4.verify(SECRET, "iudgxoeqCxJgwYoIZoGBDvCw5tM=").is_some());
}

/// A call without MasterKey, with one empty parameter and some declared ones absent.
const SENT: [(&str, &str); 4] = [("id", ""), ("isSelectDevice", "2"), ("pageNow", "1"), ("productId", "5")];

fn accepted(signed_parameters: &[(&str, &str)], signed_key: Option<&str>, sent_key: Option<&str>) -> bool {
    let signed = pairs(signed_parameters);
    let signature = call(&signed, signed_key, b"").sign(SECRET);
    call(&pairs(&SENT), sent_key, b"").verify(SECRET, &signature).is_some()
}

#[test]
fn an_empty_master_key_may_be_signed_or_not() {
    for sent in [None, Some("")] {
        for signed in [None, Some("")] {
            assert!(accepted(&SENT, signed, sent), "signed {signed:?} sent {sent:?}");
        }
    }
    assert!(accepted(&SENT, Some(MK), Some(MK)));
    assert!(!accepted(&SENT, None, Some(MK)), "a MasterKey with a value is always signed");
    assert!(!accepted(&SENT, Some(MK), None));
}

#[test]
fn empty_parameters_may_be_dropped_and_declared_ones_filled_in() {
    let dropped = [("isSelectDevice", "2"), ("pageNow", "1"), ("productId", "5")];
    assert!(accepted(&dropped, None, None));
    let filled: Vec<(&str, &str)> = DEVICES
        .iter()
        .map(|name| (*name, SENT.iter().find(|(sent, _)| sent == name).map_or("", |(_, value)| value)))
        .collect();
    assert!(accepted(&filled, None, None));
    assert!(accepted(&filled, Some(""), None));
    assert!(!accepted(&filled[1..filled.len() - 1], None, None), "half of the declared parameters is no known form");
}

#[test]
fn common_parameters_in_the_query_are_not_signed() {
    let sent = pairs(&[("Date", "x"), ("id", "1"), ("sdk", "GIT: 4f"), ("timestamp", "9"), ("version", "2")]);
    let signed = pairs(&[("id", "1")]);
    let signature = call(&signed, None, b"").sign(SECRET);
    assert!(call(&sent, None, b"").verify(SECRET, &signature).is_some());
}

#[test]
fn what_is_no_signature_is_refused() {
    let v4 = pairs(&[("id", "3456")]);
    let v4 = call(&v4, None, br#"{"productId":10005977,"runStatus":2}"#);
    for wrong in ["", "=", "iudgxoeqCxJgwYoIZoGBDvCw5tM", "iudgxoeqCxJgwYoIZoGBDvCw5t", "🦀", "aXVkZ3hvZXFDeEo="] {
        assert!(v4.verify(SECRET, wrong).is_none(), "{wrong}");
    }
}

fn values() -> impl Strategy<Value = Vec<(String, String)>> {
    // The parser refuses line ends, colons in names and repeated names; without them the text is unambiguous.
    prop::collection::btree_map("[a-z{\"]{1,6}", "[^\r\n]{0,6}", 0..6).prop_map(|map| map.into_iter().collect())
}

/// Two calls that mean the same: empty parameters are absent ones.
fn meaning(parameters: &[(String, String)]) -> Vec<&(String, String)> {
    parameters.iter().filter(|(_, value)| !value.is_empty()).collect()
}

proptest! {
    #[test]
    fn other_parameters_never_verify(sent in values(), signed in values()) {
        let signature = call(&signed, None, b"{}").sign(SECRET);
        let verified = call(&sent, None, b"{}").verify(SECRET, &signature).is_some();
        prop_assert!(!verified || meaning(&sent) == meaning(&signed));
    }

    #[test]
    fn a_changed_value_body_key_or_time_breaks_it(
        parameters in values(),
        body in prop::collection::vec(any::<u8>(), 0..40),
        which in any::<prop::sample::Index>(),
        flip in 1_u8..,
        secret in "[a-zA-Z0-9]{10}",
    ) {
        let signature = call(&parameters, Some(MK), &body).sign(secret.as_bytes());
        prop_assert!(call(&parameters, Some(MK), &body).verify(secret.as_bytes(), &signature).is_some());
        prop_assert!(call(&parameters, Some("other"), &body).verify(secret.as_bytes(), &signature).is_none());
        prop_assert!(call(&parameters, Some(MK), &body).verify([secret.as_bytes(), b"x"].concat().as_slice(), &signature).is_none());
        let later = Signed { timestamp: "1515752817581", ..call(&parameters, Some(MK), &body) };
        prop_assert!(later.verify(secret.as_bytes(), &signature).is_none());
        let other = Signed { application: "other", ..call(&parameters, Some(MK), &body) };
        prop_assert!(other.verify(secret.as_bytes(), &signature).is_none());
        if !body.is_empty() {
            let mut changed = body.clone();
            changed[which.index(body.len())] ^= flip;
            prop_assert!(call(&parameters, Some(MK), &changed).verify(secret.as_bytes(), &signature).is_none());
        }
        if !parameters.is_empty() {
            let mut changed = parameters.clone();
            changed[which.index(parameters.len())].1.push('x');
            prop_assert!(call(&changed, Some(MK), &body).verify(secret.as_bytes(), &signature).is_none());
        }
    }
}
