//! The error body of the document, `{"code", "msg", "desc"}`, and what of ours becomes which code.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use drover_service::ServiceError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    body::{BodyError, BoxError},
    family::{Refusal, chain},
    upload::UploadError,
};

/// The longest description: a parser may quote a caller's text, which may be long.
const DESC_MAX_CHARS: usize = 500;
/// What an unavailable server asks its callers to wait.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// A failed call, in one of the codes of the document's table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AepError {
    /// 400: a parameter, a body or the state of things forbids it.
    #[error("{0}")]
    BadRequest(String),
    /// 401: who calls is not proven.
    #[error("{0}")]
    Unauthorized(String),
    /// 403: who calls may not.
    #[error("{0}")]
    Forbidden(String),
    /// 404: no such thing, or no such address.
    #[error("{0}")]
    NotFound(String),
    /// 405: the address takes other methods. Not in the document's table.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// 431: larger headers than any client of this API sends. Not in the document's table.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// 500: our fault.
    #[error("the server failed")]
    Internal(#[source] BoxError),
    /// 503: something that we need is missing; worth another try.
    #[error("a part of the service is unavailable, try again later")]
    Unavailable(#[source] BoxError),
    /// 503: too many callers send large bodies at once.
    #[error("too much is being sent at once, try again later")]
    Crowded,
    /// 503: took too long.
    #[error("the call took too long, try again later")]
    TimedOut,
}

impl AepError {
    /// A 400 that names the field.
    pub(super) fn bad(field: &str, reason: impl AsRef<str>) -> Self {
        Self::BadRequest(format!("{field}: {}", reason.as_ref()))
    }

    /// A 401.
    pub(super) fn unauthorized(reason: impl Into<String>) -> Self {
        Self::Unauthorized(reason.into())
    }

    /// The HTTP status, which is the body's code too, and the document's words for it.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "Bad request"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::HeadersTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header fields too large"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Error"),
            Self::Unavailable(_) | Self::Crowded | Self::TimedOut => {
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }

    /// What the caller is told. The causes of our own failures stay in the log.
    pub(super) fn desc(&self) -> String {
        self.to_string().chars().take(DESC_MAX_CHARS).collect()
    }

    /// Logs the failure; each is logged here and nowhere else.
    fn log(&self, status: StatusCode) {
        let code = status.as_u16();
        match self {
            Self::Internal(cause) => tracing::error!(code, error = %chain(cause.as_ref()), "call failed"),
            Self::Unavailable(cause) => tracing::warn!(code, error = %chain(cause.as_ref()), "call failed"),
            Self::Crowded => tracing::warn!(code, "no room for a call's body"),
            Self::TimedOut => tracing::warn!(code, "call took too long"),
            // Debug escapes what the caller may have put into it.
            refused => tracing::info!(code, reason = ?refused.desc(), "call refused"),
        }
    }
}

impl From<ServiceError> for AepError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { field, reason } => Self::bad(field, reason),
            ServiceError::Conflict { reason } => Self::BadRequest(reason),
            ServiceError::Application(refusal) => Self::BadRequest(refusal.to_string()),
            ServiceError::TooLarge { field, max_bytes } => {
                Self::bad(field, format!("is larger than {max_bytes} bytes"))
            }
            ServiceError::Aborted(cause) => Self::bad("file", format!("the upload broke off: {cause}")),
            ServiceError::NotFound { what, id } => {
                // Its own word here, as in taskId; everything else is called as in the service.
                let what = if what == "command" { "subtask" } else { what };
                Self::NotFound(format!("{what} {id} does not exist"))
            }
            ServiceError::Forbidden { reason } => Self::Forbidden(reason),
            ServiceError::Unavailable(cause) => Self::Unavailable(cause),
            ServiceError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<BodyError> for AepError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NoRoom => Self::Crowded,
            BodyError::TooLarge { .. } | BodyError::Broken(_) => Self::bad("body", error.to_string()),
        }
    }
}

impl From<UploadError> for AepError {
    fn from(error: UploadError) -> Self {
        // Each begins with its field.
        Self::BadRequest(error.to_string())
    }
}

impl From<Refusal> for AepError {
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

#[derive(Serialize)]
struct Body<'a> {
    code: u16,
    msg: &'a str,
    desc: String,
}

impl IntoResponse for AepError {
    fn into_response(self) -> Response {
        let (status, msg) = self.status();
        self.log(status);
        let mut response = (status, Json(Body { code: status.as_u16(), msg, desc: self.desc() })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_the_service_has_a_code_of_the_document() {
        let boxed = || -> BoxError { "secret detail".into() };
        for (error, code, desc) in [
            (ServiceError::Invalid { field: "jobName", reason: "is taken".into() }, 400, "jobName: is taken"),
            (ServiceError::Conflict { reason: "the task has started".into() }, 400, "the task has started"),
            (ServiceError::TooLarge { field: "file", max_bytes: 5 }, 400, "file: is larger than 5 bytes"),
            (ServiceError::Aborted("cut".into()), 400, "file: the upload broke off: cut"),
            (ServiceError::NotFound { what: "task", id: "7".into() }, 404, "task 7 does not exist"),
            (ServiceError::Forbidden { reason: "not yours".into() }, 403, "not yours"),
            (ServiceError::Unavailable(boxed()), 503, "a part of the service is unavailable, try again later"),
            (ServiceError::Internal(boxed()), 500, "the server failed"),
        ] {
            let error = AepError::from(error);
            assert_eq!((error.status().0.as_u16(), error.desc().as_str()), (code, desc));
        }
    }

    #[test]
    fn a_description_is_short_however_long_the_callers_text() {
        assert_eq!(AepError::bad("x", "y".repeat(9999)).desc().chars().count(), DESC_MAX_CHARS);
    }
}
