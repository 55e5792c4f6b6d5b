//! The API families, and how each words what goes wrong before or around its handlers.

use std::error::Error;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, Uri};
use serde_json::json;

use crate::{
    Random, admin,
    aep::{self, errors::AepError},
    apps, dashboard, mdm, top,
    web::errors::WebError,
};

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
    /// The MDM and application APIs, and the admin API beside them.
    Mdm,
    /// The TOP gateway.
    Top,
    /// The dashboard.
    Dashboard,
    /// Nobody's but ours.
    Drover,
}

impl Family {
    /// The family that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        let under = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if under(aep::UPGRADE) || under(aep::FIRMWARE) {
            Self::Aep
        } else if under(mdm::BASE) || under(admin::FAMILY) || apps::BASES.into_iter().any(under) {
            Self::Mdm
        } else if under(top::BASE) {
            Self::Top
        } else if under(dashboard::BASE) {
            Self::Dashboard
        } else {
            Self::Drover
        }
    }

    /// The answer to a call that was sent to this address and is refused, in the family's own error body.
    pub(crate) fn refuse(uri: &Uri, random: &Random, refusal: Refusal) -> Response {
        match Self::of(uri.path()) {
            Self::Top => top::refuse(uri, random, refusal),
            Self::Aep => AepError::from(refusal).into_response(),
            Self::Mdm => WebError::from(refusal).into_response(),
            Self::Dashboard => dashboard::refuse(refusal),
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

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.extend([": ", &error.to_string()]);
        cause = error.source();
    }
    text
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
            ("/mdm/v1/clientupgrade/groups", Family::Mdm),
            ("/admin/v2", Family::Mdm),
            ("/apps/app/5", Family::Mdm),
            ("/devices/5/apps", Family::Mdm),
            ("/device/v1/apps", Family::Drover),
            ("/mdmx", Family::Drover),
            ("/aep_upgrade_managements", Family::Drover),
            ("/router/rest", Family::Top),
            ("/router/rest/x", Family::Top),
            ("/router/restful", Family::Drover),
            ("/router", Family::Drover),
            ("/ui", Family::Dashboard),
            ("/ui/jobs", Family::Dashboard),
            ("/uix", Family::Drover),
            ("/", Family::Drover),
            ("", Family::Drover),
            ("*", Family::Drover),
        ] {
            assert_eq!(Family::of(path), family, "{path}");
        }
    }
}
