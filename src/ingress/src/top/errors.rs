//! Errors in the codes of the platform, and what of ours becomes which.

use std::borrow::Cow;

use drover_service::ServiceError;

use super::wire::{Document, Value};
use crate::{
    body::{BodyError, BoxError},
    family::{Refusal, chain},
};

/// The longest text about what is wrong: a parser may quote a caller's text, which may be long.
const TEXT_MAX_CHARS: usize = 500;

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopError {
    /// 7: too many calls.
    #[error("{0}")]
    Limited(&'static str),
    /// 9: neither GET nor POST.
    #[error("only GET and POST are answered")]
    HttpAction,
    /// 11: the caller may not.
    #[error("{0}")]
    Forbidden(String),
    /// 15: our fault.
    #[error("the server failed")]
    Internal(#[source] BoxError),
    /// 15: something that we need is missing; worth another try.
    #[error("a part of the service is unavailable, try again later")]
    Unavailable(#[source] BoxError),
    /// 15: too many callers send large bodies at once.
    #[error("too much is being sent at once, try again later")]
    Crowded,
    /// 15: took too long.
    #[error("the call took too long, try again later")]
    TimedOut,
    /// 21.
    #[error("method is missing")]
    MissingMethod,
    /// 22.
    #[error("there is no such method")]
    InvalidMethod,
    /// 23.
    #[error("format is neither xml nor json")]
    InvalidFormat,
    /// 24.
    #[error("sign is missing")]
    MissingSignature,
    /// 25: wrong, made in a way that is not allowed, or seen before.
    #[error("{0}")]
    InvalidSignature(&'static str),
    /// 26: the method needs one.
    #[error("session is missing")]
    MissingSession,
    /// 27.
    #[error("session is no access token of this tenant")]
    InvalidSession,
    /// 28.
    #[error("app_key is missing")]
    MissingAppKey,
    /// 29.
    #[error("the application is unknown")]
    InvalidAppKey,
    /// 30.
    #[error("timestamp is missing")]
    MissingTimestamp,
    /// 31: no time, or not about now.
    #[error("{0}")]
    InvalidTimestamp(&'static str),
    /// 32.
    #[error("v is missing")]
    MissingVersion,
    /// 33: no version.
    #[error("v is no version")]
    InvalidVersion,
    /// 34: a version that does not exist.
    #[error("the only version is 2.0")]
    UnsupportedVersion,
    /// 40.
    #[error("{0} is missing")]
    MissingParameter(&'static str),
    /// 41: a value is not allowed, or a parameter unknown.
    #[error("{reason}")]
    InvalidParameter {
        /// The parameter, when it is one.
        name: Option<String>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// 50: a parameter that holds JSON does not hold what it should.
    #[error("{name}: {reason}")]
    Malformed {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl TopError {
    /// A 41 that names the parameter.
    pub(super) fn invalid(name: &str, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = format!("{name}: {}", reason.into());
        Self::InvalidParameter { name: Some(name.to_owned()), reason: reason.into() }
    }

    /// A 41 about the call as a whole.
    pub(super) fn unreadable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParameter { name: None, reason: reason.into() }
    }

    /// A 50.
    pub(super) fn malformed(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { name, reason: reason.into() }
    }

    /// The platform's code, and its words for it.
    const fn code_and_msg(&self) -> (u16, &'static str) {
        match self {
            Self::Limited(_) => (7, "App Call Limited"),
            Self::HttpAction => (9, "Http action not allowed"),
            Self::Forbidden(_) => (11, "Insufficient isv permissions"),
            Self::Internal(_) | Self::Unavailable(_) | Self::Crowded | Self::TimedOut => (15, "Remote service error"),
            Self::MissingMethod => (21, "Missing method"),
            Self::InvalidMethod => (22, "Invalid method"),
            Self::InvalidFormat => (23, "Invalid format"),
            Self::MissingSignature => (24, "Missing signature"),
            Self::InvalidSignature(_) => (25, "Invalid signature"),
            Self::MissingSession => (26, "Missing session"),
            Self::InvalidSession => (27, "Invalid session"),
            Self::MissingAppKey => (28, "Missing app key"),
            Self::InvalidAppKey => (29, "Invalid app key"),
            Self::MissingTimestamp => (30, "Missing timestamp"),
            Self::InvalidTimestamp(_) => (31, "Invalid timestamp"),
            Self::MissingVersion => (32, "Missing version"),
            Self::InvalidVersion => (33, "Invalid version"),
            Self::UnsupportedVersion => (34, "Unsupported version"),
            Self::MissingParameter(_) => (40, "Missing required arguments"),
            Self::InvalidParameter { .. } => (41, "Invalid arguments"),
            Self::Malformed { .. } => (50, "Remote service error"),
        }
    }

    /// The platform's code.
    pub(super) const fn code(&self) -> u16 {
        self.code_and_msg().0
    }

    /// The code for programs: whose fault it is (`isv` the caller's, `isp` ours), and what. Those of 7 and 15 are ones on which
    /// clients try again by themselves.
    pub(super) fn sub_code(&self) -> String {
        let fixed = match self {
            Self::MissingParameter(name) => return format!("isv.missing-parameter:{name}"),
            Self::InvalidParameter { name: Some(name), .. } => return format!("isv.invalid-parameter:{name}"),
            Self::InvalidParameter { name: None, .. } | Self::Malformed { .. } => "isv.invalid-parameter",
            Self::Limited(_) => "accesscontrol.limited-by-api-access-count",
            Self::HttpAction => "isv.invalid-http-action",
            Self::Forbidden(_) => "isv.insufficient-permissions",
            Self::Internal(_) => "isp.top-remote-unknown-error",
            Self::Unavailable(_) | Self::Crowded => "isp.top-remote-service-unavailable",
            Self::TimedOut => "isp.top-remote-connection-timeout",
            Self::MissingMethod => "isv.missing-method",
            Self::InvalidMethod => "isv.invalid-method",
            Self::InvalidFormat => "isv.invalid-format",
            Self::MissingSignature => "isv.missing-signature",
            Self::InvalidSignature(_) => "isv.invalid-signature",
            Self::MissingSession => "isv.missing-session",
            Self::InvalidSession => "isv.invalid-session",
            Self::MissingAppKey => "isv.missing-app-key",
            Self::InvalidAppKey => "isv.invalid-app-key",
            Self::MissingTimestamp => "isv.missing-timestamp",
            Self::InvalidTimestamp(_) => "isv.invalid-timestamp",
            Self::MissingVersion => "isv.missing-version",
            Self::InvalidVersion => "isv.invalid-version",
            Self::UnsupportedVersion => "isv.unsupported-version",
        };
        fixed.to_owned()
    }

    /// What the caller is told. The causes of our own failures stay in the log.
    fn sub_msg(&self) -> String {
        self.to_string().chars().take(TEXT_MAX_CHARS).collect()
    }

    /// Whether the same signed call may be sent again: it was not looked into, or failed for no fault of the caller's.
    pub(super) const fn is_worth_another_try(&self) -> bool {
        matches!(self.code(), 7 | 15)
    }

    /// Logs the failure; each is logged here and nowhere else.
    pub(super) fn log(&self, request_id: &str) {
        let code = self.code();
        match self {
            Self::Internal(cause) => {
                tracing::error!(code, request_id, error = %chain(cause.as_ref()), "call failed");
            }
            Self::Unavailable(cause) => {
                tracing::warn!(code, request_id, error = %chain(cause.as_ref()), "call failed");
            }
            Self::Crowded => tracing::warn!(code, request_id, "no room for a call's body"),
            Self::TimedOut => tracing::warn!(code, request_id, "call took too long"),
            // Debug escapes what the caller may have put into it.
            refused => tracing::info!(code, request_id, reason = ?refused.sub_msg(), "call refused"),
        }
    }

    /// The error as it is answered.
    pub(super) fn document(&self) -> Document {
        let (code, msg) = self.code_and_msg();
        Document::error(vec![
            ("code", Value::Number(code.into())),
            ("msg", Value::text(msg)),
            ("sub_code", Value::Text(self.sub_code())),
            ("sub_msg", Value::Text(self.sub_msg())),
        ])
    }
}

impl From<ServiceError> for TopError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { field, reason } => Self::invalid(field, reason),
            ServiceError::TooLarge { field, max_bytes } => {
                Self::invalid(field, format!("is larger than {max_bytes} bytes"))
            }
            ServiceError::Conflict { .. } | ServiceError::NotFound { .. } | ServiceError::Application(_) => {
                Self::unreadable(error.to_string())
            }
            ServiceError::Aborted(cause) => Self::unreadable(format!("the upload broke off: {cause}")),
            ServiceError::Forbidden { reason } => Self::Forbidden(reason),
            ServiceError::Unavailable(cause) => Self::Unavailable(cause),
            ServiceError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<BodyError> for TopError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NoRoom => Self::Crowded,
            BodyError::TooLarge { .. } | BodyError::Broken(_) => Self::unreadable(format!("the body {error}")),
        }
    }
}

impl From<Refusal> for TopError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::InvalidMethod,
            Refusal::MethodNotAllowed => Self::HttpAction,
            Refusal::HeadersTooLarge => Self::unreadable("the headers are too large"),
            Refusal::TimedOut => Self::TimedOut,
            Refusal::Panicked(message) => Self::Internal(format!("a handler panicked: {message}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_the_service_has_a_code() {
        let boxed = || -> BoxError { "secret detail".into() };
        for (error, code, sub_code, sub_msg) in [
            (
                ServiceError::Invalid { field: "org_infos", reason: "is unknown".into() },
                41,
                "isv.invalid-parameter:org_infos",
                "org_infos: is unknown",
            ),
            (ServiceError::Conflict { reason: "not now".into() }, 41, "isv.invalid-parameter", "not now"),
            (
                ServiceError::TooLarge { field: "x", max_bytes: 5 },
                41,
                "isv.invalid-parameter:x",
                "x: is larger than 5 bytes",
            ),
            (
                ServiceError::NotFound { what: "device", id: "7".into() },
                41,
                "isv.invalid-parameter",
                "device 7 does not exist",
            ),
            (ServiceError::Forbidden { reason: "no".into() }, 11, "isv.insufficient-permissions", "no"),
            (
                ServiceError::Unavailable(boxed()),
                15,
                "isp.top-remote-service-unavailable",
                "a part of the service is unavailable, try again later",
            ),
            (ServiceError::Internal(boxed()), 15, "isp.top-remote-unknown-error", "the server failed"),
        ] {
            let error = TopError::from(error);
            assert_eq!((error.code(), error.sub_code().as_str(), error.sub_msg().as_str()), (code, sub_code, sub_msg));
            assert_eq!(error.is_worth_another_try(), code == 15);
        }
    }

    /// The table of docs/api/top.md is in the order in which a call is checked, but for the first two and the last rows.
    #[test]
    fn the_document_names_every_error() {
        let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/top.md")).unwrap();
        let is_row = |line: &&str| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit();
        let documented: Vec<Vec<&str>> =
            document.lines().filter(is_row).map(|line| line.split('|').map(str::trim).skip(1).collect()).collect();
        let name = || Some("x".to_owned());
        let rows: [&[TopError]; 22] = [
            &[TopError::HttpAction],
            &[TopError::unreadable("x"), TopError::InvalidParameter { name: name(), reason: "x".into() }],
            &[TopError::InvalidFormat],
            &[TopError::MissingAppKey],
            &[TopError::MissingSignature],
            &[TopError::MissingMethod],
            &[TopError::MissingTimestamp],
            &[TopError::InvalidTimestamp("x")],
            &[TopError::MissingVersion],
            &[TopError::InvalidVersion],
            &[TopError::UnsupportedVersion],
            &[TopError::InvalidAppKey],
            &[TopError::Limited("x")],
            &[TopError::InvalidMethod],
            &[TopError::InvalidSignature("x")],
            &[TopError::MissingSession],
            &[TopError::InvalidSession],
            &[TopError::Forbidden("x".into())],
            &[TopError::MissingParameter("x")],
            &[TopError::InvalidParameter { name: name(), reason: "x".into() }],
            &[TopError::malformed("x", "x")],
            &[TopError::Unavailable("x".into()), TopError::Crowded, TopError::TimedOut, TopError::Internal("x".into())],
        ];
        assert_eq!(documented.len(), rows.len());
        for (row, errors) in documented.iter().zip(rows) {
            for error in errors {
                let (code, msg) = error.code_and_msg();
                assert_eq!((row[0], row[1]), (code.to_string().as_str(), msg));
                let sub_code = format!("`{}`", error.sub_code().replace(":x", ":<name>"));
                assert!(row[2].split(", ").any(|known| known == sub_code), "{sub_code} in {row:?}");
            }
        }
    }

    #[test]
    fn a_text_is_short_however_long_the_callers() {
        assert_eq!(TopError::invalid("x", "y".repeat(9999)).sub_msg().chars().count(), TEXT_MAX_CHARS);
    }
}
