//! The admin API: organisations, operators, users, groups, labels, devices and application policies. Our own, described in OpenAPI.

pub(crate) mod application_policies;
pub(crate) mod audit;
pub(crate) mod control;
pub(crate) mod dead_letters;
pub(crate) mod device_story;
pub(crate) mod devices;
pub(crate) mod groups;
pub(crate) mod imports;
mod job_views;
pub(crate) mod jobs;
pub(crate) mod labels;
pub(crate) mod members;
pub(crate) mod operators;
pub(crate) mod organisations;
pub(crate) mod queues;
mod user_sets;
pub(crate) mod users;
mod wire;
pub(crate) mod workers;

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::{
    AppState,
    web::{WebApi, with_forms},
};

/// What the addresses of every version begin with.
pub(crate) const FAMILY: &str = "/admin";
/// The base path.
pub(crate) const BASE: &str = "/admin/v1";
/// Below it are the uploads, which take as long as they flow.
pub(crate) const IMPORTS: &str = "/admin/v1/imports/";

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/me", get(operators::me))
        .route("/audit", get(audit::list))
        .route("/jobs/{id}/pause", post(control::pause))
        .route("/jobs/{id}/resume", post(control::resume))
        .route("/jobs/{id}/cancel", post(control::cancel))
        .route("/jobs/{id}/retry", post(control::retry))
        .route("/organisations", get(organisations::list).post(organisations::add))
        .route(
            "/organisations/{id}",
            get(organisations::show).patch(organisations::change).delete(organisations::delete),
        )
        .route("/organisations/{id}/children", get(organisations::children))
        .route("/operators", get(operators::list).post(operators::add))
        .route("/operators/{id}", get(operators::show).patch(operators::change))
        .route("/operators/{id}/password", put(operators::set_password))
        .route("/operators/{id}/disable", post(operators::disable))
        .route("/operators/{id}/enable", post(operators::enable))
        .route("/users", get(users::list).post(users::add))
        .route("/users/{id}", get(users::show).patch(users::change).delete(users::delete))
        .route("/groups", get(groups::list).post(groups::add))
        .route("/groups/{id}", get(groups::show).patch(groups::change).delete(groups::delete))
        .route("/groups/{id}/members", get(groups::members).patch(groups::change_members))
        .route("/labels", get(labels::list).post(labels::add))
        .route("/labels/{id}", get(labels::show).patch(labels::change).delete(labels::delete))
        .route("/labels/{id}/members", get(labels::members).patch(labels::change_members))
        .route("/application-policies", get(application_policies::list).post(application_policies::add))
        .route(
            "/application-policies/{id}",
            get(application_policies::show).patch(application_policies::change).delete(application_policies::delete),
        )
        .route("/devices", get(devices::list).post(devices::enrol))
        .route("/devices/{uuid}", get(devices::show).patch(devices::change).delete(devices::deregister))
        .route("/devices/{uuid}/standing", get(device_story::standing))
        .route("/devices/{uuid}/commands", get(device_story::commands))
        .route("/devices/{uuid}/token", post(devices::issue_token).delete(devices::revoke_token))
        .route("/queues", get(queues::list))
        .route("/queues/{name}/pause", post(queues::pause))
        .route("/queues/{name}/resume", post(queues::resume))
        .route("/queues/{name}/dead-letters", get(dead_letters::list))
        .route("/queues/{name}/dead-letters/replay", post(dead_letters::replay_all))
        .route("/queues/{name}/dead-letters/discard", post(dead_letters::discard_all))
        .route("/dead-letters/{id}", get(dead_letters::show))
        .route("/dead-letters/{id}/replay", post(dead_letters::replay))
        .route("/dead-letters/{id}/discard", post(dead_letters::discard))
        .route("/workers", get(workers::list))
        .route("/workers/{id}/drain", post(workers::drain))
        .route("/workers/{id}/resume", post(workers::resume))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/commands", get(jobs::commands))
        .route("/jobs/{id}/commands.csv", get(jobs::commands_csv))
        .route("/imports/{what}", post(imports::import));
    let api = WebApi::new(app);
    with_forms(Router::new().nest(BASE, routes), &api).with_state(api)
}
