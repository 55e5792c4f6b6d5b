//! The HTTP API of devices: they ask for their commands, report on them, and say what they have. Our own (X6 of requirements.md),
//! described in docs/api/devices-http.md.

mod apps;
mod auth;
mod commands;
mod errors;
mod reports;

use std::ops::Deref;

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::{AppState, body::Budget};
pub(crate) use auth::basic;

/// The base path.
const BASE: &str = "/device/v1";
/// The largest body: the most reports in one call, each with the longest texts, escaped in the longest way; or the most
/// applications of a device, each with names of an ordinary length.
const MAX_BODY_BYTES: usize = 1 << 20;

/// What each handler of this API is given.
#[derive(Clone)]
struct DeviceApi {
    app: AppState,
    bodies: Budget,
}

impl Deref for DeviceApi {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.app
    }
}

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let limits = app.limits;
    let bodies = Budget::new(limits.body_budget_bytes, limits.request_timeout / 2);
    let routes = Router::new()
        .route("/commands", get(commands::list))
        .route("/reports", post(reports::record))
        .route("/apps", put(apps::replace));
    Router::new().nest(BASE, routes).with_state(DeviceApi { app, bodies })
}
