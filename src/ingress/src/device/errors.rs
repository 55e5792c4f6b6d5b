//! Refused calls of devices: a status, and Drover's own error body.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use drover_messages::DecodeError;
use drover_service::ServiceError;
use http::{HeaderValue, StatusCode, header};

use crate::{
    body::{BodyError, BoxError},
    family::{chain, problem},
};

/// What an unavailable server asks its callers to wait.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(2);
/// The longest description: a parser may quote a caller's text, which may be long.
const TEXT_MAX_CHARS: usize = 500;

/// A refused call of a device.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeviceError {
    /// 400: what was sent is not allowed.
    #[error("{0}")]
    Invalid(String),
    /// 401: not the uuid and token of a device that may call.
    #[error("uuid and token are needed, and must be right")]
    Unauthorized,
    /// 404: no such thing.
    #[error("{0}")]
    NotFound(String),
    /// 413: a body beyond every need.
    #[error("the body {0}")]
    TooLarge(String),
    /// 429: too many failed logins under this name.
    #[error("too many failed logins")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// 500: our fault.
    #[error("the server failed")]
    Internal(#[source] BoxError),
    /// 503: something that we need is missing.
    #[error("a part of the service is unavailable, try again later")]
    Unavailable(#[source] BoxError),
    /// 503: too much is being sent at once.
    #[error("too much is being sent at once, try again later")]
    Crowded,
}

impl DeviceError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Unavailable(_) | Self::Crowded => Some(UNAVAILABLE_PAUSE),
            _ => None,
        }
    }

    /// Logs the failure; each is logged here and nowhere else.
    fn log(&self) {
        let code = self.status().as_u16();
        match self {
            Self::Internal(cause) => tracing::error!(code, error = %chain(cause.as_ref()), "a device's call failed"),
            Self::Unavailable(cause) => tracing::warn!(code, error = %chain(cause.as_ref()), "a device's call failed"),
            Self::Crowded => tracing::warn!(code, "no room for the body of a device's call"),
            // Debug escapes what the device may have put into it.
            refused => tracing::debug!(code, reason = ?refused.text(), "a device's call refused"),
        }
    }

    fn text(&self) -> String {
        self.to_string().chars().take(TEXT_MAX_CHARS).collect()
    }
}

impl From<ServiceError> for DeviceError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unavailable(cause) => Self::Unavailable(cause),
            ServiceError::Internal(cause) => Self::Internal(cause),
            ServiceError::NotFound { .. } => Self::NotFound(error.to_string()),
            ServiceError::Invalid { .. }
            | ServiceError::Conflict { .. }
            | ServiceError::Application(_)
            | ServiceError::Forbidden { .. }
            | ServiceError::TooLarge { .. }
            | ServiceError::Aborted(_) => Self::Invalid(error.to_string()),
        }
    }
}

impl From<BodyError> for DeviceError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NoRoom => Self::Crowded,
            BodyError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            BodyError::Broken(_) => Self::Invalid(format!("the body {error}")),
        }
    }
}

impl From<DecodeError> for DeviceError {
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl IntoResponse for DeviceError {
    fn into_response(self) -> Response {
        self.log();
        let mut response = problem(self.status(), &self.text());
        if let Some(pause) = self.retry_after() {
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if matches!(self, Self::Unauthorized) {
            let basic = HeaderValue::from_static(r#"Basic realm="drover", charset="UTF-8""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_whole_seconds_and_never_none() {
        for (pause, expected) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            let response = DeviceError::TooMany { retry_after: Duration::from_millis(pause) }.into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], expected);
        }
    }

    #[test]
    fn what_is_ours_stays_with_us() {
        let response = DeviceError::from(ServiceError::Internal("secret detail".into()));
        assert_eq!((response.status().as_u16(), response.text().as_str()), (500, "the server failed"));
        assert_eq!(DeviceError::from(ServiceError::Unavailable("x".into())).status(), 503);
    }
}
