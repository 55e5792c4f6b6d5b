//! Refused calls: an HTTP status, and `{"errorCode", "message"}`. The document states no codes, so the code is the status.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use drover_service::ServiceError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    apps,
    body::{BodyError, BoxError},
    family::{Refusal, chain},
};

/// What an unavailable server asks its callers to wait.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(2);
/// The longest message: a parser may quote a caller's text, which may be long.
const TEXT_MAX_CHARS: usize = 500;

/// A refused call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// 400: what was sent is not allowed.
    #[error("{0}")]
    Invalid(String),
    /// 400 with a code of the application document.
    #[error("{text}")]
    Coded {
        /// The document's code.
        code: u16,
        /// What is wrong.
        text: String,
    },
    /// 401: nobody's token, or the wrong password.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403: the caller may not.
    #[error("{0}")]
    Forbidden(String),
    /// 404: no such thing, or none that is the caller's to know of.
    #[error("{0}")]
    NotFound(String),
    /// 405: the address takes other methods.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// 409: not as things stand.
    #[error("{0}")]
    Conflict(String),
    /// 409 with a code of the application document: not as things stand.
    #[error("{text}")]
    CodedConflict {
        /// The document's code.
        code: u16,
        /// What stands in the way.
        text: String,
    },
    /// 413: larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// 429: too many failed logins.
    #[error("too many failed logins, try again later")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// 431: larger headers than any client sends.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// 500: our fault.
    #[error("the server failed")]
    Internal(#[source] BoxError),
    /// 503: something that we need is missing.
    #[error("a part of the service is unavailable, try again later")]
    Unavailable(#[source] BoxError),
    /// 503: too much is being sent at once.
    #[error("too much is being sent at once, try again later")]
    Crowded,
    /// 503: took too long.
    #[error("the call took too long, try again later")]
    TimedOut,
}

impl WebError {
    /// A 400 that names the field by its name on the wire.
    pub(crate) fn invalid(field: &str, reason: impl AsRef<str>) -> Self {
        Self::Invalid(format!("{field}: {}", reason.as_ref()))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Coded { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) | Self::CodedConflict { .. } => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::Crowded | Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the body calls the error: the document's code where it has one, else the status.
    fn code(&self) -> u16 {
        match self {
            Self::Coded { code, .. } | Self::CodedConflict { code, .. } => *code,
            _ => self.status().as_u16(),
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Unavailable(_) | Self::Crowded | Self::TimedOut => Some(UNAVAILABLE_PAUSE),
            _ => None,
        }
    }

    /// Logs the failure; each is logged here and nowhere else.
    fn log(&self) {
        let code = self.code();
        match self {
            Self::Internal(cause) => tracing::error!(code, error = %chain(cause.as_ref()), "call failed"),
            Self::Unavailable(cause) => tracing::warn!(code, error = %chain(cause.as_ref()), "call failed"),
            Self::Crowded => tracing::warn!(code, "no room for a call's body"),
            Self::TimedOut => tracing::warn!(code, "call took too long"),
            // Debug escapes what the caller may have put into it.
            refused => tracing::info!(code, reason = ?refused.text(), "call refused"),
        }
    }

    fn text(&self) -> String {
        self.to_string().chars().take(TEXT_MAX_CHARS).collect()
    }
}

impl From<ServiceError> for WebError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { .. } => Self::Invalid(error.to_string()),
            ServiceError::Application(refusal) => {
                Self::Coded { code: apps::errors::code(&refusal), text: refusal.to_string() }
            }
            ServiceError::Conflict { reason } => Self::Conflict(reason),
            ServiceError::NotFound { .. } => Self::NotFound(error.to_string()),
            ServiceError::Forbidden { reason } => Self::Forbidden(reason),
            ServiceError::TooLarge { field, max_bytes } => {
                Self::TooLarge(format!("{field}: is larger than {max_bytes} bytes"))
            }
            ServiceError::Aborted(cause) => Self::invalid("file", format!("the upload broke off: {cause}")),
            ServiceError::Unavailable(cause) => Self::Unavailable(cause),
            ServiceError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<BodyError> for WebError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NoRoom => Self::Crowded,
            BodyError::TooLarge { .. } => Self::TooLarge(format!("body: {error}")),
            BodyError::Broken(_) => Self::invalid("body", error.to_string()),
        }
    }
}

impl From<Refusal> for WebError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound("there is nothing at this address".into()),
            Refusal::MethodNotAllowed => Self::MethodNotAllowed,
            Refusal::HeadersTooLarge => Self::HeadersTooLarge,
            Refusal::TimedOut => Self::TimedOut,
            Refusal::Panicked(message) => Self::Internal(format!("a handler panicked: {message}").into()),
        }
    }
}

/// What every refused call is answered with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    /// The application document's code, or the HTTP status where it has none.
    #[schema(example = 400)]
    error_code: u16,
    /// What is wrong, beginning with the name of the field when it is one.
    #[schema(example = "name: is missing")]
    message: String,
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let body = ErrorBody { error_code: self.code(), message: self.text() };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(pause) = self.retry_after() {
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if matches!(self, Self::Unauthorized(_)) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="drover""#));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_the_service_has_a_status() {
        let boxed = || -> BoxError { "secret detail".into() };
        for (error, code, text) in [
            (ServiceError::Invalid { field: "name", reason: "is taken".into() }, 400, "name: is taken"),
            (ServiceError::Conflict { reason: "not now".into() }, 409, "not now"),
            (ServiceError::TooLarge { field: "file", max_bytes: 5 }, 413, "file: is larger than 5 bytes"),
            (ServiceError::Aborted("cut".into()), 400, "file: the upload broke off: cut"),
            (ServiceError::NotFound { what: "group", id: "7".into() }, 404, "group 7 does not exist"),
            (ServiceError::Forbidden { reason: "not yours".into() }, 403, "not yours"),
            (ServiceError::Unavailable(boxed()), 503, "a part of the service is unavailable, try again later"),
            (ServiceError::Internal(boxed()), 500, "the server failed"),
        ] {
            let error = WebError::from(error);
            assert_eq!((error.status().as_u16(), error.text().as_str()), (code, text));
        }
        assert_eq!(WebError::invalid("x", "y".repeat(9999)).text().chars().count(), TEXT_MAX_CHARS);
    }

    #[test]
    fn who_is_limited_is_told_when_to_come_again() {
        let response = WebError::TooMany { retry_after: Duration::from_millis(1001) }.into_response();
        let pause = response.headers()[header::RETRY_AFTER].to_str();
        assert_eq!((response.status().as_u16(), pause.unwrap()), (429, "2"));
    }
}
