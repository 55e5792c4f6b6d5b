//! The signature of a call: HMAC-SHA1 over a text that names everything the call says.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Names that are never signed as parameters, wherever they stand.
const UNSIGNED: [&str; 5] = ["application", "timestamp", "version", "Date", "sdk"];

/// A call as its signature sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) application: &'a str,
    pub(super) timestamp_ms: i64,
    /// The query, decoded, and the MasterKey if there is one.
    pub(super) parameters: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

impl Signed<'_> {
    /// The signature under `secret`, as the header has it.
    pub(super) fn sign(&self, secret: &str) -> String {
        // HMAC takes keys of every length, so this never fails; a call without a signature would only be refused.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else { return String::new() };
        mac.update(self.text().as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    fn text(&self) -> String {
        let mut parameters: Vec<_> =
            self.parameters.iter().filter(|(name, _)| !UNSIGNED.contains(name)).copied().collect();
        parameters.sort_unstable();
        let mut text = format!("application:{}\ntimestamp:{}\n", self.application, self.timestamp_ms);
        for (name, value) in parameters {
            text.extend([name, ":", value, "\n"]);
        }
        if !self.body.is_empty() {
            text.extend([self.body, "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MK: (&str, &str) = ("MasterKey", "cd35c680b6d647068861f7fd4e79d3f5");

    fn sign(parameters: &[(&str, &str)], body: &str) -> String {
        Signed { application: "dFI1lzE0EN2", timestamp_ms: 1_515_752_817_580, parameters, body }.sign("xQcjrfNLvQ")
    }

    #[test]
    fn the_four_vectors() {
        assert_eq!(sign(&[MK, ("id", "3439"), ("productId", "10005986")], ""), "/uEWJeihiaYwbBIxEWTK74H3MVM=");
        let search = [
            ("productId", "10005986"),
            ("pageSize", "20"),
            ("pageNow", "1"),
            ("isSelectDevice", "2"),
            ("id", ""),
            ("deviceNameSearch", "十大 城市"),
            ("MasterKey", ""),
        ];
        assert_eq!(sign(&search, ""), "0nQpjpsHkIOM8ZrZkNYd0KXftQA=");
        let body = r#"{"createBy":"huangliang","firmwareId":3167,"jobName":"北向测试","productId":10004516,"retryTimes":1,"outTime":"129"}"#;
        assert_eq!(sign(&[MK], body), "9Xxom8PiRbbV9zI7x7S7AMoZqsc=");
        assert_eq!(sign(&[("id", "3456")], r#"{"productId":10005977,"runStatus":2}"#), "iudgxoeqCxJgwYoIZoGBDvCw5tM=");
    }

    #[test]
    fn common_parameters_are_not_signed() {
        assert_eq!(sign(&[("id", "1"), ("version", "2"), ("Date", "x"), ("sdk", "y")], ""), sign(&[("id", "1")], ""));
    }
}
