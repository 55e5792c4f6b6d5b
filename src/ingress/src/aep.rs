//! The AEP API: firmware upgrade tasks (`specs/aep-firmware-upgrade.md`, calls D1-D10 of requirements.md) and, beside it,
//! the firmware files that the document takes for granted (X8-X12) and the gateway's clock (X7).
//!
//! The dialect translates and decides nothing: who calls ([`auth`], [`replay`]), what was sent ([`params`], [`wire`]), what is
//! answered ([`views`], [`projection`], [`errors`]), and one file for each resource.

mod auth;
mod call;
mod control;
mod details;
mod devices;
mod echo;
pub(crate) mod errors;
mod firmware;
mod gateway;
mod operational;
mod params;
mod projection;
mod replay;
mod signature;
mod tasks;
mod text;
mod views;
mod wire;

use axum::{
    Json, Router,
    routing::{get, post, put},
};
use serde::Serialize;

use errors::AepError;
pub(crate) use gateway::Gateway;
use views::Envelope;

/// The base path of D1-D10, from the document.
pub(crate) const UPGRADE: &str = "/aep_upgrade_management";
/// The base path of X8-X12, named after its neighbour.
pub(crate) const FIRMWARE: &str = "/aep_firmware_management";
/// Where a firmware is uploaded: the one call whose body may take as long as it flows.
pub(crate) const UPLOAD: &str = "/aep_firmware_management/firmware";

/// What a handler returns.
type Answer<T> = Result<Json<Envelope<T>>, AepError>;

/// The successful answer of `result`.
const fn answer<T: Serialize>(result: T) -> Json<Envelope<T>> {
    Json(Envelope::of(result))
}

/// The routes of this API.
pub(crate) fn router() -> Router<Gateway> {
    let upgrade = Router::new()
        .route("/detail", get(tasks::detail))
        .route("/task", get(tasks::task).post(tasks::create).put(tasks::change).delete(tasks::delete))
        .route("/tasks", get(tasks::list))
        .route("/control", put(control::control))
        .route("/devices", get(devices::list))
        .route("/operational", post(operational::operate))
        .route("/details", get(details::list))
        .route("/echo", get(echo::echo));
    let firmware = Router::new()
        .route("/firmware", get(firmware::show).post(firmware::create).put(firmware::change).delete(firmware::delete))
        .route("/firmwares", get(firmware::list))
        .route("/echo", get(echo::echo));
    Router::new().route("/echo", get(echo::echo)).nest(UPGRADE, upgrade).nest(FIRMWARE, firmware)
}
