//! The MDM client upgrade API, family A of requirements.md, and the tokens that it and its neighbours are called with.
//!
//! The dialect translates and decides nothing: one file for each resource, on what all calls of operators share (`web`).

pub(crate) mod device_client;
pub(crate) mod distribute;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod logs;
pub(crate) mod oauth;
pub(crate) mod offer;
pub(crate) mod page;
mod projection;
pub(crate) mod publish;
pub(crate) mod versions;
pub(crate) mod wire;

use axum::{
    Router,
    routing::{get, patch, post},
};

use crate::{
    AppState,
    web::{WebApi, auth, body, errors, params, time, with_forms},
};

/// The base path.
pub(crate) const BASE: &str = "/mdm";
/// Where a file is uploaded: the one call whose body may take as long as it flows.
pub(crate) const UPLOAD: &str = "/mdm/v1/files";

/// The routes of this API.
pub(crate) fn router(app: AppState) -> Router {
    let routes = Router::new()
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/v1/files", post(files::create))
        .route("/v1/files/{file_uuid}", get(files::show))
        .merge(offers())
        .merge(catalogue())
        .merge(devices());
    let api = WebApi::new(app);
    with_forms(Router::new().nest(BASE, routes), &api).with_state(api)
}

/// What offers versions to organisations and devices and takes them back, and what became of it.
fn offers() -> Router<WebApi> {
    Router::new()
        .route("/v1/clientupgrade/apps/{id}/distribute", post(distribute::distribute))
        .route("/v1/clientupgrade/apps/{id}/publish", post(publish::publish))
        .route("/v1/clientupgrade/apps/{id}/obsolete", patch(publish::obsolete))
        .route("/v1/clientupgrade/apps/{id}/distribute_logs", get(logs::distributions))
        .route("/v1/clientupgrade/apps/{id}/upgrade_logs", get(logs::upgrades))
        .route("/v1/clientupgrade/apps/{id}/publish_logs", get(logs::publications))
        .route("/v1/clientupgrade/publish_logs/{id}/cancel", patch(publish::cancel))
        .route("/v1/clientupgrade/publish_logs/{id}/distribute", post(distribute::distribute_publication))
        .route("/v1/clientupgrade/distribute_logs/{id}/cancel", patch(distribute::cancel))
}

/// The client groups and their versions.
fn catalogue() -> Router<WebApi> {
    Router::new()
        .route("/v1/clientupgrade/groups", get(groups::list).post(groups::create))
        .route("/v1/clientupgrade/groups/qr_codes", get(groups::with_qr))
        .route("/v1/clientupgrade/groups/{id}", get(groups::show).patch(groups::rename))
        .route("/v1/clientupgrade/groups/{id}/qr_codes", patch(groups::set_qr))
        .route("/v1/clientupgrade/groups/{id}/apps", get(versions::list).post(versions::upload))
        .route("/v1/clientupgrade/apps/{id}", get(versions::show))
}

/// What devices ask.
fn devices() -> Router<WebApi> {
    Router::new()
        .route("/v1/devices_client/ext/apps", post(device_client::extended_versions))
        .route("/v1/devices_client/ext/app", post(device_client::extended_version))
        .route("/v1/devices_client/v2/check_app_version", post(device_client::check_group))
        .route("/v1/devices_client/check_app_version", post(device_client::check_package))
}
