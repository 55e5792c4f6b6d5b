//! What the MDM, application and admin APIs are, in OpenAPI: one document a family, put together from what stands beside each handler.
//!
//! A module of handlers names them in a `struct Api` that derives `OpenApi`; [`mdm()`], [`apps()`] and [`admin()`] list these, one line a
//! module. The documents are kept in `schemas/openapi`, where a test compares them, and served to whoever asks.
//!
//! ```text
//! /// The groups.
//! #[derive(OpenApi)]
//! #[openapi(paths(list, create))]
//! pub(crate) struct Api;
//!
//! /// One page of groups.
//! #[utoipa::path(get, path = "/mdm/v1/clientupgrade/groups", tag = "groups", operation_id = "groups_list",
//!     params(PageParams), responses((status = 200, body = GroupPage), Refusals))]
//! async fn list(…)
//! ```
//!
//! An operator's token is asked for unless the handler says `security(("device" = []))` or, for everybody, `security(())`.

mod refusals;
mod security;

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use utoipa::{OpenApi, openapi};

pub(crate) use refusals::{AppRefusals, DeviceRefusals, InstallationRefusals, Refusals, WriteRefusals};
use security::Logins;

use crate::{admin, apps, mdm, web::errors::ErrorBody};

/// The MDM API, without its handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Drover: client upgrades",
        version = "1",
        description = "Client groups, their versions, publications and distributions, and what devices ask. Parameters may \
                       come in the query or, where the body is a form, in the body; the query wins."
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = []), ("access_token" = [])),
    modifiers(&Logins)
)]
struct Mdm;

/// The admin API, without its handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Drover: administration",
        version = "1",
        description = "Organisations, operators, users, groups, labels and devices, one by one and from CSV files."
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = []), ("access_token" = [])),
    modifiers(&Logins)
)]
struct Admin;

/// The application management API, without its handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Drover: applications",
        version = "1",
        description = "Applications, their categories, pushes, black and white lists. Every address exists below /mdm too. \
                       What the API's own document has a code for is answered with 400 and that code."
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = []), ("access_token" = [])),
    modifiers(&Logins)
)]
struct Apps;

/// The document of the application management API: one line a module of handlers.
fn apps() -> openapi::OpenApi {
    let mut document = Apps::openapi();
    for part in [
        apps::applications::Api::openapi(),
        apps::categories::Api::openapi(),
        apps::device_apps::Api::openapi(),
        apps::distribution::Api::openapi(),
        apps::packages::Api::openapi(),
        apps::pushes::Api::openapi(),
        apps::restrictions::Api::openapi(),
        apps::store_links::Api::openapi(),
    ] {
        document.merge(part);
    }
    document
}

/// The document of the MDM API: one line a module of handlers.
fn mdm() -> openapi::OpenApi {
    let mut api = Mdm::openapi();
    api.merge(mdm::device_client::Api::openapi());
    api.merge(mdm::distribute::Api::openapi());
    api.merge(mdm::files::Api::openapi());
    api.merge(mdm::groups::Api::openapi());
    api.merge(mdm::logs::Api::openapi());
    api.merge(mdm::oauth::Api::openapi());
    api.merge(mdm::publish::Api::openapi());
    api.merge(mdm::versions::Api::openapi());
    api
}

/// The document of the admin API: one line a module of handlers.
fn admin() -> openapi::OpenApi {
    let mut document = Admin::openapi();
    // On the heap: together they are larger than a stack frame should be.
    for part in vec![
        admin::application_policies::Api::openapi(),
        admin::dead_letters::Api::openapi(),
        admin::audit::Api::openapi(),
        admin::control::Api::openapi(),
        admin::device_story::Api::openapi(),
        admin::devices::Api::openapi(),
        admin::groups::Api::openapi(),
        admin::imports::Api::openapi(),
        admin::jobs::Api::openapi(),
        admin::labels::Api::openapi(),
        admin::operators::Api::openapi(),
        admin::organisations::Api::openapi(),
        admin::queues::Api::openapi(),
        admin::users::Api::openapi(),
        admin::workers::Api::openapi(),
    ] {
        document.merge(part);
    }
    document
}

/// A document and the name of its family.
#[derive(Debug, Clone)]
pub struct ApiDocument {
    /// The family's name, that of its file too.
    pub family: &'static str,
    /// The document.
    pub document: Value,
}

impl ApiDocument {
    /// The document as its file holds it.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.document)
    }
}

/// Every document.
pub fn api_documents() -> Vec<ApiDocument> {
    let document = |family, api: openapi::OpenApi| ApiDocument { family, document: json!(api) };
    vec![document("admin", admin()), document("apps", apps()), document("mdm", mdm())]
}

/// The documents, and a list of them.
pub(crate) fn router() -> Router {
    let documents = api_documents();
    let entries: Vec<Value> = documents
        .iter()
        .map(|ApiDocument { family, document }| {
            json!({ "name": family, "title": document["info"]["title"], "href": format!("/openapi/{family}.json") })
        })
        .collect();
    let index = json!({ "documents": entries });
    documents
        .into_iter()
        .map(|ApiDocument { family, document }| (format!("/openapi/{family}.json"), document))
        .chain([("/openapi".to_owned(), index)])
        .fold(Router::new(), |router, (path, document)| {
            router.route(&path, get(move || async move { fresh(&document) }))
        })
}

/// An answer that is asked for anew each time: the document changes with the program.
fn fresh(document: &Value) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Json(document)).into_response()
}

#[cfg(test)]
mod tests;
