//! The dashboard at `/ui`: pages for operators, rendered here and readable without script.
//!
//! A page is a folder or file of its own with its texts. What all share is the shell: who looks ([`session`]), in which
//! language ([`language`]), the frame around a page ([`layout`]), forms that change something ([`confirm`]), what goes wrong
//! ([`errors`]), charts ([`chart`]) and the words for states ([`words`]).

mod assets;
mod audit;
mod chart;
mod confirm;
mod control;
pub(crate) mod devices;
mod errors;
mod job;
mod jobs;
mod language;
mod layout;
mod live;
mod overview;
mod query;
mod queues;
mod same_origin;
mod session;
mod sign_in;
mod words;
mod workers;

use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use crate::{
    AppState,
    family::Refusal,
    web::{WebApi, body},
};
use errors::PageError;
use language::Language;

/// What the addresses of pages begin with.
pub(crate) const BASE: &str = "/ui";

/// What is answered where no page could say it: nobody knows who looks, nor in which language.
pub(crate) fn refuse(refusal: Refusal) -> Response {
    layout::headed(PageError::from(refusal).render(Language::English, None))
}

/// What a handler of a page answers.
type Answer<T = maud::Markup> = Result<T, PageError>;

/// The routes of the dashboard.
pub(crate) fn router(app: AppState) -> Router {
    let api = WebApi::new(app);
    // For those who have signed in.
    let pages = Router::new()
        .route("/ui", get(overview::show))
        .route("/ui/sign-out", post(sign_in::sign_out))
        .route("/ui/devices", get(devices::list))
        .route("/ui/devices/{uuid}", get(devices::show))
        .route("/ui/jobs", get(jobs::show))
        .route("/ui/jobs/{id}", get(job::show))
        .route("/ui/jobs/{id}/commands.csv", get(job::csv))
        .route("/ui/jobs/{id}/{step}", get(control::ask).post(control::carry_out))
        .route("/ui/audit", get(audit::show));
    let pages = pages.merge(queues::routes()).merge(workers::routes());
    let pages = with_forms(pages, &api).route_layer(middleware::from_fn_with_state(api.clone(), session::enter));
    let open = with_forms(
        Router::new()
            .route("/ui/sign-in", get(sign_in::show).post(sign_in::sign_in))
            .route("/ui/language", post(language::choose))
            .route("/ui/live", get(live::show)),
        &api,
    );
    pages
        .merge(open)
        .route("/ui/", get(|| async { Redirect::permanent(BASE) }))
        .route("/ui/{*rest}", axum::routing::any(errors::nothing_here))
        .layer(Extension(live::Streams::new()))
        .layer(middleware::from_fn(errors::finish))
        .layer(middleware::from_fn(same_origin::check))
        .layer(middleware::from_fn(layout::add_headers))
        .route("/ui/assets/{name}", get(assets::serve))
        .with_state(api)
}

/// Lets the handlers of `routes` find the fields of a form among their parameters. What cannot be read is refused by a page.
fn with_forms(routes: Router<WebApi>, api: &WebApi) -> Router<WebApi> {
    routes.route_layer(middleware::from_fn_with_state(api.clone(), read_form))
}

async fn read_form(State(api): State<WebApi>, mut request: Request, next: Next) -> Response {
    match body::prepare(&api, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => PageError::from(error).into_response(),
    }
}
