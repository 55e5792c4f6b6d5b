//! The API families, and how each words what goes wrong before or around its handlers.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::aep::{self, errors::AepError};

/// What goes wrong outside of handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No route.
    NotFound,
    /// A route, but not for this method.
    MethodNotAllowed,
    /// Headers beyond every need.
    HeadersTooLarge,
    /// The answer did not begin in time.
    TimedOut,
    /// The handler panicked, with these words.
    Panicked(String),
}

/// Whose address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// The AEP API.
    Aep,
    /// Nobody's but ours.
    Drover,
}

impl Family {
    /// The family that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        let under = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if under(aep::UPGRADE) || under(aep::FIRMWARE) { Self::Aep } else { Self::Drover }
    }

    /// The answer to a refused call, in the family's own error body.
    pub(crate) fn refuse(self, refusal: Refusal) -> Response {
        match self {
            Self::Aep => AepError::from(refusal).into_response(),
            Self::Drover => {
                let (status, text) = match refusal {
                    Refusal::NotFound => (StatusCode::NOT_FOUND, "there is nothing at this address"),
                    Refusal::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "the method is not allowed here"),
                    Refusal::HeadersTooLarge => {
                        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large")
                    }
                    Refusal::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "the call took too long"),
                    Refusal::Panicked(message) => {
                        tracing::error!(message, "a handler panicked");
                        (StatusCode::INTERNAL_SERVER_ERROR, "the server failed")
                    }
                };
                problem(status, text)
            }
        }
    }
}

/// Drover's own error body.
pub(crate) fn problem(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "code": status.as_u16(), "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_owns_what_lies_under_its_base_paths() {
        for (path, family) in [
            ("/aep_upgrade_management", Family::Aep),
            ("/aep_upgrade_management/", Family::Aep),
            ("/aep_firmware_management/nothing", Family::Aep),
            ("/aep_upgrade_managements", Family::Drover),
            ("/", Family::Drover),
            ("", Family::Drover),
            ("*", Family::Drover),
        ] {
            assert_eq!(Family::of(path), family, "{path}");
        }
    }
}
