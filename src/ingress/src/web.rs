//! What the APIs that operators call share: who calls ([`auth`], [`actor`]), what was sent ([`params`], [`body`]), what is answered
//! ([`errors`], [`time`]).

pub(crate) mod actor;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod commands_csv;
pub(crate) mod errors;
pub(crate) mod job_search;
pub(crate) mod params;
pub(crate) mod time;

use std::ops::Deref;

use axum::{Router, middleware};

use crate::{AppState, body::Budget};

/// What each handler is given.
#[derive(Clone)]
pub(crate) struct WebApi {
    app: AppState,
    /// The room for bodies.
    pub(crate) bodies: Budget,
}

impl WebApi {
    /// The state of one API.
    pub(crate) fn new(app: AppState) -> Self {
        let limits = app.limits;
        Self { app, bodies: Budget::new(limits.body_budget_bytes, limits.request_timeout / 2) }
    }
}

impl Deref for WebApi {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.app
    }
}

/// Lets the handlers of `routes` find the fields of a form among their [`params::Params`]. Every router whose handlers use
/// [`auth::WebCaller`] or [`params::Params`] goes through this.
pub(crate) fn with_forms(routes: Router<WebApi>, api: &WebApi) -> Router<WebApi> {
    routes.route_layer(middleware::from_fn_with_state(api.clone(), body::read_form))
}
