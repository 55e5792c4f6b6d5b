//! Drover's HTTP: the serving loop, what every call goes through, and one module for each API family.
//!
//! A dialect translates and decides nothing; the use cases are `drover-service`'s. The clock, randomness and the broker's
//! health are given to [`AppState`]; nothing here reads the environment or knows RabbitMQ.
//!
//! The loop speaks HTTP/1 only. A client that begins with HTTP/2 is closed on at once: see `serve/connection.rs`. A proxy in
//! front may speak what it likes to its own clients.

mod aep;
mod body;
mod family;
mod files;
mod health;
mod observe;
mod serve;
mod state;

use axum::{Router, extract::OriginalUri, middleware, routing::get};
use http::Uri;

pub use observe::describe_metrics;
pub use serve::{ServeError, ServeOptions, serve};
pub use state::{AppState, Limits, Now, Probe, Random};

use family::{Family, Refusal};

/// Every route of the ingress.
pub fn router(state: AppState) -> Router {
    let ours = health::router().route(files::FIRMWARE, get(files::firmware)).with_state(state.clone());
    let aep = aep::router().with_state(aep::Gateway::new(state.clone()));
    observed(ours.merge(aep), state)
}

/// The routes of a process that answers no API: health, readiness and metrics.
pub fn health_router(state: AppState) -> Router {
    observed(health::router().with_state(state.clone()), state)
}

/// Adds what every call goes through.
fn observed(routes: Router, state: AppState) -> Router {
    routes
        .fallback(|OriginalUri(uri): OriginalUri| async move { refuse(&uri, Refusal::NotFound) })
        .method_not_allowed_fallback(
            |OriginalUri(uri): OriginalUri| async move { refuse(&uri, Refusal::MethodNotAllowed) },
        )
        .layer(middleware::from_fn_with_state(state, observe::observe))
}

fn refuse(uri: &Uri, refusal: Refusal) -> axum::response::Response {
    Family::of(uri.path()).refuse(refusal)
}
