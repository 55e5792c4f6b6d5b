//! What calls are refused with: the same everywhere, so it is said once and named beside each handler.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

/// What an operator who looks may be refused with.
pub(crate) struct Refusals;
/// What an operator who changes something may be refused with.
pub(crate) struct WriteRefusals;
/// What an operator may be refused with who looks at, or changes, what is the installation's.
pub(crate) struct InstallationRefusals;
/// What an operator may be refused with by the application management API, whose own codes are all 400.
pub(crate) struct AppRefusals;
/// What a device may be refused with.
pub(crate) struct DeviceRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        // Whoever is let in may look; what is out of reach is not there.
        problems(&[400, 401, 404, 413, 429, 500, 503])
    }
}

impl IntoResponses for WriteRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 409, 413, 429, 500, 503])
    }
}

impl IntoResponses for InstallationRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 413, 429, 500, 503])
    }
}

impl IntoResponses for AppRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 413, 429, 500, 503])
    }
}

impl IntoResponses for DeviceRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 404, 413, 429, 500, 503])
    }
}

fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses.iter().map(|status| (status.to_string(), RefOr::T(problem(*status)))).collect()
}

fn problem(status: u16) -> Response {
    let said = match status {
        400 => "A value is missing or not allowed; the message names it",
        401 => "No login, or one that is not valid",
        403 => "Not this caller's to do",
        404 => "There is no such thing, or it is not this caller's to know of",
        409 => "The state of things forbids it",
        413 => "More than is taken at once",
        429 => "Too many failed logins; `Retry-After` says when to come again",
        500 => "The server failed",
        _ => "Something that the server needs is missing, or it is too busy; try again later",
    };
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    ResponseBuilder::new().description(said).content("application/json", body).build()
}
