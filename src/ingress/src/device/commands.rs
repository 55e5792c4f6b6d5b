//! `GET /device/v1/commands`: what the device has to do, at once or as soon as there is something new.

use std::time::Duration;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use drover_messages::{DeviceCommand, DeviceCommands};
use drover_service::DeviceIdentity;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    DeviceApi,
    auth::{Caller, authenticate},
    errors::DeviceError,
};
use crate::{files::names_tag, lobby::Call};

/// What a device that found no seat is asked to wait before it asks again.
const NO_SEAT_PAUSE_S: HeaderValue = HeaderValue::from_static("5");
/// Time to answer when a wait is over, before the call itself is.
const ANSWER_TIME: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    /// How long to wait for something new, in seconds.
    #[serde(default)]
    wait: u32,
}

/// Answers at once when there is something to do, or when it differs from what the device names in `If-None-Match`. Else
/// after the wait that was asked for, and no later than the process allows.
pub(super) async fn list(
    State(api): State<DeviceApi>,
    Caller(device): Caller,
    wish: Result<Query<Wish>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, DeviceError> {
    let Query(Wish { wait }) =
        wish.map_err(|_| DeviceError::Invalid("wait: must be a whole number of seconds".into()))?;
    let wait = Duration::from_secs(wait.into())
        .min(api.limits.poll_wait)
        .min(api.limits.request_timeout.saturating_sub(ANSWER_TIME));
    let end = Instant::now() + wait;
    let mut may_wait = !wait.is_zero();
    loop {
        let seat = if may_wait { api.lobby.take_seat(device.device) } else { None };
        let open = look(&api, &device).await?;
        let is_known = if headers.contains_key(header::IF_NONE_MATCH) {
            names_tag(&headers, &open.tag)
        } else {
            open.commands.commands.is_empty()
        };
        match seat {
            Some(seat) if is_known => {
                may_wait = seat.wait(end).await == Some(Call::Look);
                authenticate(&api, &headers).await?;
            }
            seat => return Ok(open.answer(&headers, may_wait && seat.is_none())),
        }
    }
}

async fn look(api: &DeviceApi, device: &DeviceIdentity) -> Result<Open, DeviceError> {
    let commands = api.service.open_commands(device.device).await?;
    Ok(Open { tag: tag(&commands), commands: DeviceCommands { commands } })
}

/// What is open for a device, and its name.
struct Open {
    commands: DeviceCommands,
    tag: String,
}

impl Open {
    fn answer(&self, headers: &HeaderMap, found_no_seat: bool) -> Response {
        let mut response = if names_tag(headers, &self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Json(&self.commands).into_response()
        };
        let headers = response.headers_mut();
        // A link in it expires, and it is one device's alone.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        if found_no_seat {
            headers.insert(header::RETRY_AFTER, NO_SEAT_PAUSE_S);
        }
        response
    }
}

/// An entity tag that names commands, attempts and wishes to cancel. A weak one: the same list has new links each time.
fn tag(commands: &[DeviceCommand]) -> String {
    let names: Vec<String> = commands
        .iter()
        .map(|command| {
            let (id, attempt) = command.identity();
            let wish = if matches!(command, DeviceCommand::Cancel { .. }) { ".cancel" } else { "" };
            format!("{id}.{attempt}{wish}")
        })
        .collect();
    format!("W/\"{}\"", names.join(":"))
}
