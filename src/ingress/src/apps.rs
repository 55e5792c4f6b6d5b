//! The application management API, family B of requirements.md: served at `/apps` and `/devices`, and under `/mdm` too.
//!
//! The dialect translates and decides nothing: one file for each resource, on what all calls of operators share (`web`).

pub(crate) mod device_apps;
pub(crate) mod distribution;
pub(crate) mod errors;
pub(crate) mod targets;
mod window;

use axum::{Router, routing::get};

use crate::{
    AppState,
    web::{WebApi, with_forms},
};

/// What its addresses begin with. The same ones exist below [`mdm::BASE`](crate::mdm::BASE).
pub(crate) const BASES: [&str; 2] = ["/apps", "/devices"];

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/apps/app/{app_id}/distribution", get(distribution::list))
        .route("/devices/{device_id}/apps", get(device_apps::list));
    let api = WebApi::new(app);
    with_forms(routes.clone().nest(crate::mdm::BASE, routes), &api).with_state(api)
}
