//! The application management API, family B of requirements.md: served at `/apps` and `/devices`, and under `/mdm` too.
//!
//! The dialect translates and decides nothing: one file for each resource, on what all calls of operators share (`web`).

pub(crate) mod applications;
pub(crate) mod categories;
pub(crate) mod device_apps;
pub(crate) mod distribution;
pub(crate) mod errors;
pub(crate) mod packages;
mod params;
mod push_body;
pub(crate) mod pushes;
pub(crate) mod restrictions;
pub(crate) mod store_links;
pub(crate) mod targets;
mod views;
mod window;
mod wire;

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::{
    AppState, mdm,
    web::{WebApi, with_forms},
};

/// What its addresses begin with. The same ones exist below [`mdm::BASE`].
pub(crate) const BASES: [&str; 2] = ["/apps", "/devices"];
/// Where a package is uploaded: the one call whose body may take as long as it flows.
const UPLOAD: &str = "/apps/app/package";

/// Whether the body of a call to this address may take as long as it flows.
pub(crate) fn is_upload(path: &str) -> bool {
    path.strip_prefix(mdm::BASE).unwrap_or(path) == UPLOAD
}

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/apps/app", get(applications::list).post(packages::save))
        .route(UPLOAD, post(packages::upload))
        .route("/apps/app/weburl", post(store_links::add))
        .route("/apps/app/{app_id}", get(applications::show).put(applications::edit).delete(pushes::remove))
        .route("/apps/app/{app_id}/push", post(pushes::push).delete(pushes::take_back))
        .route("/apps/category", get(categories::list).post(categories::add))
        .route("/apps/category/{category_ids}", put(categories::edit).delete(categories::delete))
        .route("/apps/app/{app_id}/distribution", get(distribution::list))
        .route("/devices/{device_id}/apps", get(device_apps::list))
        .merge(lists());
    let api = WebApi::new(app);
    with_forms(routes.clone().nest(mdm::BASE, routes), &api).with_state(api)
}

/// Black and white lists.
fn lists() -> Router<WebApi> {
    Router::new()
        .route("/apps/restriction", get(restrictions::list).post(restrictions::create))
        .route(
            "/apps/restriction/{id}",
            get(restrictions::search).put(restrictions::change).delete(restrictions::delete),
        )
        .route("/apps/restriction/{id}/push", post(restrictions::push))
        .route("/apps/restriction/{id}/status", put(restrictions::set_status))
}
