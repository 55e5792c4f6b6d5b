//! The application management API, family B of requirements.md: served at `/apps` and `/devices`, and under `/mdm` too.
//!
//! The dialect translates and decides nothing: one file for each resource, on what all calls of operators share (`web`).

pub(crate) mod errors;

use axum::Router;

use crate::{
    AppState,
    web::{WebApi, with_forms},
};

/// What its addresses begin with. The same ones exist below [`mdm::BASE`](crate::mdm::BASE).
pub(crate) const BASES: [&str; 2] = ["/apps", "/devices"];

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let routes = Router::new();
    let api = WebApi::new(app);
    with_forms(routes.clone().nest(crate::mdm::BASE, routes), &api).with_state(api)
}
