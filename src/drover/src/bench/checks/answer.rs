//! What a check is answered, and what it must be.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;

/// How much of a wrong answer is shown.
const SHOWN_CHARS: usize = 300;

/// What the answer to a device's check must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// How many packages.
    pub(super) entries: usize,
    /// One that must be among them.
    pub(super) package: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "wdk_rex_software_list_check_response")]
    response: Response<'a>,
}

#[derive(Debug, Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    data: Data<'a>,
    succeed: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    object: Vec<Entry<'a>>,
}

#[derive(Debug, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    package_name: Cow<'a, str>,
}

impl Expected {
    /// What is wrong with an answer, if anything is.
    pub(super) fn fault_of(&self, status: StatusCode, body: &[u8]) -> Option<String> {
        let shown = || String::from_utf8_lossy(body).chars().take(SHOWN_CHARS).collect::<String>();
        let answer = match serde_json::from_slice::<Answer<'_>>(body) {
            Ok(answer) => answer.response,
            Err(error) => return Some(format!("{status}, {error}: {}", shown())),
        };
        let object = &answer.data.object;
        let has = |package: &String| object.iter().any(|entry| entry.package_name == *package);
        let is_right = status == StatusCode::OK
            && answer.succeed
            && object.len() == self.entries
            && self.package.as_ref().is_none_or(has);
        (!is_right).then(|| format!("{status}, {} packages instead of {}: {}", object.len(), self.entries, shown()))
    }
}

/// What is wrong with an answer of `/healthz`, if anything is.
pub(super) fn fault_of_health(status: StatusCode, body: &[u8]) -> Option<String> {
    let is_right = status == StatusCode::OK && body == b"ok\n";
    (!is_right).then(|| format!("{status}: {}", String::from_utf8_lossy(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_read() {
        let one = Expected { entries: 1, package: Some("b".into()) };
        let none = Expected { entries: 0, package: None };
        let answer = |data: &str, succeed: bool| {
            format!(
                r#"{{"wdk_rex_software_list_check_response":{{"data":{data},"succeed":{succeed},"msg_code":"","msg_info":"","request_id":"r"}}}}"#
            )
        };
        let entry = |package: &str| answer(&format!(r#"{{"object":[{{"package_name":"{package}"}}]}}"#), true);
        let fits = |expected: &Expected, status: u16, body: &str| {
            expected.fault_of(StatusCode::from_u16(status).unwrap(), body.as_bytes()).is_none()
        };
        assert!(fits(&one, 200, &entry("b")));
        for empty in ["{}", r#"{"object":[]}"#] {
            assert!(fits(&none, 200, &answer(empty, true)));
        }
        for (expected, status, body) in [
            (&one, 200, entry("a")),
            (&one, 200, answer("{}", true)),
            (&none, 200, entry("b")),
            (&none, 200, answer("{}", false)),
            (&none, 500, answer("{}", true)),
            (&none, 200, r#"{"error_response":{"code":25}}"#.into()),
            (&none, 200, "<xml/>".into()),
        ] {
            assert!(!fits(expected, status, &body), "{body}");
        }
        assert_eq!(fault_of_health(StatusCode::OK, b"ok\n"), None);
        assert!(fault_of_health(StatusCode::SERVICE_UNAVAILABLE, b"ok\n").is_some());
    }
}
