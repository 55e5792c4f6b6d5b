//! Drover's HTTP: the serving loop, what every call goes through, and one module for each API family.
//!
//! A dialect translates and decides nothing; the use cases are `drover-service`'s. The clock, randomness and the broker's
//! health are given to [`AppState`]; nothing here reads the environment or knows RabbitMQ.

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
    let routes = health::router().merge(aep::router()).route(files::FIRMWARE, get(files::firmware));
    observed(routes, state)
}

/// The routes of a process that answers no API: health, readiness and metrics.
pub fn health_router(state: AppState) -> Router {
    observed(health::router(), state)
}

/// Adds what every call goes through.
fn observed(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(|OriginalUri(uri): OriginalUri| async move { refuse(&uri, Refusal::NotFound) })
        .method_not_allowed_fallback(
            |OriginalUri(uri): OriginalUri| async move { refuse(&uri, Refusal::MethodNotAllowed) },
        )
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

fn refuse(uri: &Uri, refusal: Refusal) -> axum::response::Response {
    Family::of(uri.path()).refuse(refusal)
}
