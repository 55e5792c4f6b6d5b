//! `PUT /device/v1/apps`: what the device has installed, all of it.

use axum::extract::{Request, State};
use drover_messages::DeviceInventory;
use http::StatusCode;

use super::{DeviceApi, MAX_BODY_BYTES, auth::Caller, errors::DeviceError};
use crate::body;

/// Keeps what the device says in place of what it said before. The answer is given after the commit.
pub(super) async fn replace(
    State(api): State<DeviceApi>,
    Caller(device): Caller,
    request: Request,
) -> Result<StatusCode, DeviceError> {
    let body = body::read(request.into_body(), MAX_BODY_BYTES, &api.bodies).await?;
    api.service.record_inventory(device.device, DeviceInventory::from_body(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
