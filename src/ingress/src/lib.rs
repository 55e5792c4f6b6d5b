//! Drover's HTTP: the serving loop, what every call goes through, and one module for each API family.
//!
//! A dialect translates and decides nothing; the use cases are `drover-service`'s. The clock, randomness and the broker's
//! health are given to [`AppState`]; nothing here reads the environment or knows RabbitMQ.
//!
//! The loop speaks HTTP/1 only. A client that begins with HTTP/2 is closed on at once: see `serve/connection.rs`. A proxy in
//! front may speak what it likes to its own clients.

mod admin;
mod aep;
mod apps;
mod body;
mod dashboard;
mod device;
mod download_page;
mod family;
mod files;
mod form;
mod health;
mod json;
mod lobby;
mod mdm;
mod metrics;
mod observe;
mod openapi;
mod peer;
mod rabbitmq;
mod serve;
mod state;
mod top;
mod upload;
mod web;

use axum::{Router, extract::OriginalUri, middleware};

pub use dashboard::devices::explain_reason;
pub use lobby::{Lobby, LobbyChores};
pub use metrics::METRICS;
pub use openapi::{ApiDocument, api_documents};
pub use serve::{ServeError, ServeOptions, serve};
pub use state::{AppState, Limits, Now, Probe, Random};

use family::{Family, Refusal};

/// Every route of the ingress that is for the world.
pub fn router(state: AppState) -> Router {
    let ours = health::router().merge(files::router()).merge(download_page::router()).with_state(state.clone());
    let aep = aep::router().with_state(aep::Gateway::new(state.clone()));
    let device = device::router(state.clone());
    let top = top::router(top::Gateway::new(state.clone()));
    let (mdm, admin) = (mdm::router(state.clone()), admin::router(state.clone()));
    let operators = mdm.merge(admin).merge(apps::router(state.clone()));
    let operators = operators.merge(dashboard::router(state.clone()));
    observed(ours.merge(aep).merge(top).merge(device).merge(operators).merge(openapi::router()), state)
}

/// The routes that are for our own servers and ask for no login: RabbitMQ's questions about devices, beside health,
/// readiness and metrics. They say who exists and have effects, so they are served where strangers cannot call.
pub fn internal_router(state: AppState) -> Router {
    observed(health::router().merge(rabbitmq::router()).with_state(state.clone()), state)
}

/// The routes of a process that answers no API: health, readiness and metrics.
pub fn health_router(state: AppState) -> Router {
    observed(health::router().with_state(state.clone()), state)
}

/// Adds what every call goes through.
fn observed(routes: Router, state: AppState) -> Router {
    let refuse = |refusal: Refusal| {
        let random = state.random.clone();
        move |OriginalUri(uri): OriginalUri| async move { Family::refuse(&uri, &random, refusal) }
    };
    routes
        .fallback(refuse(Refusal::NotFound))
        .method_not_allowed_fallback(refuse(Refusal::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(state, observe::observe))
}
