//! Who calls: an operator with an access token, or a device with its own.

use axum::extract::FromRequestParts;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drover_service::{DeviceIdentity, DeviceLogin, Operator, TokenCheck};
use http::{HeaderMap, header, request::Parts};

use super::{WebApi, errors::WebError, params::Params};
use crate::AppState;

/// The parameter that a token may come as.
const ACCESS_TOKEN: &str = "access_token";
/// The longest token that is looked at.
const TOKEN_MAX_LEN: usize = 256;

const NO_TOKEN: WebError =
    WebError::Unauthorized("an access token is needed, and must be good: POST /mdm/oauth/token gives one");
const NO_DEVICE: WebError = WebError::Unauthorized("deviceUuid and the device's token are needed, and must be right");

/// The operator who calls.
#[derive(Debug, Clone)]
pub(crate) struct WebCaller(pub(crate) Operator);

impl FromRequestParts<WebApi> for WebCaller {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, WebError> {
        let params = Params::from_request_parts(parts, api).await?;
        let token = AccessToken::read(&parts.headers, &params)?;
        match api.service.authenticate_operator(&token.0).await? {
            TokenCheck::Accepted(operator) => {
                parts.extensions.insert(token);
                Ok(Self(*operator))
            }
            TokenCheck::Refused => Err(NO_TOKEN),
            TokenCheck::TooMany { retry_after } => Err(WebError::TooMany { retry_after }),
        }
    }
}

/// The token that a call was made with; no `Debug`, for it is a secret.
#[derive(Clone)]
pub(crate) struct AccessToken(pub(crate) String);

impl AccessToken {
    fn read(headers: &HeaderMap, params: &Params) -> Result<Self, WebError> {
        let token = match authorization(headers, "bearer")? {
            Some(token) => Some(token),
            None => params.optional(ACCESS_TOKEN).map(str::to_owned),
        };
        token.filter(|token| token.len() <= TOKEN_MAX_LEN).map(Self).ok_or(NO_TOKEN)
    }
}

/// The credentials of the `Authorization` header, when they are of this scheme. Two headers are refused: a proxy may have
/// looked at the other one.
fn authorization(headers: &HeaderMap, scheme: &str) -> Result<Option<String>, WebError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(WebError::Unauthorized("header Authorization is repeated"));
    }
    let sent = value.to_str().ok().and_then(|value| value.split_once(' '));
    Ok(sent.filter(|(sent, _)| sent.eq_ignore_ascii_case(scheme)).map(|(_, rest)| rest.trim().to_owned()))
}

/// The device that calls: parameter `deviceUuid`, and its token as HTTP Basic (whose user is the uuid), as a bearer token or
/// as parameter `access_token`.
pub(crate) async fn authenticate_client(
    app: &AppState,
    headers: &HeaderMap,
    params: &Params,
) -> Result<DeviceIdentity, WebError> {
    let uuid = params.required("deviceUuid")?;
    let token = device_token(headers, params, uuid)?;
    match app.service.authenticate_device(uuid, &token).await? {
        DeviceLogin::Accepted(device) => {
            app.lobby.seen(device.device);
            Ok(device)
        }
        DeviceLogin::Refused => Err(NO_DEVICE),
        DeviceLogin::TooMany { retry_after } => Err(WebError::TooMany { retry_after }),
    }
}

fn device_token(headers: &HeaderMap, params: &Params, uuid: &str) -> Result<String, WebError> {
    if let Some(token) = authorization(headers, "bearer")? {
        return Ok(token);
    }
    if let Some(encoded) = authorization(headers, "basic")? {
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        return pair.filter(|(user, _)| *user == uuid).map(|(_, token)| token.to_owned()).ok_or(NO_DEVICE);
    }
    params.optional(ACCESS_TOKEN).map(str::to_owned).ok_or(NO_DEVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_comes_in_the_header_or_as_a_parameter() {
        let params = Params::of_query("access_token=q").ok().unwrap();
        let read =
            |values: &[&str], params: &Params| AccessToken::read(&headers(values), params).ok().map(|token| token.0);
        assert_eq!(read(&["Bearer h"], &params).as_deref(), Some("h"));
        assert_eq!(read(&["bearer  h"], &Params::default()).as_deref(), Some("h"));
        assert_eq!(read(&[], &params).as_deref(), Some("q"));
        for none in [&["Bearer a", "Bearer b"][..], &["Basic aDpo"], &["Bearer"]] {
            assert_eq!(read(none, &Params::default()), None, "{none:?}");
        }
        assert_eq!(read(&[&format!("Bearer {}", "x".repeat(TOKEN_MAX_LEN + 1))], &Params::default()), None);
    }

    #[test]
    fn a_devices_token_comes_in_three_ways_and_basic_names_the_device() {
        let params = Params::of_query("access_token=t").ok().unwrap();
        let token = |values: &[&str]| device_token(&headers(values), &params, "d1").ok();
        assert_eq!(token(&[]).as_deref(), Some("t"));
        assert_eq!(token(&["Bearer b"]).as_deref(), Some("b"));
        assert_eq!(token(&[&format!("Basic {}", STANDARD.encode("d1:a:b"))]).as_deref(), Some("a:b"));
        assert_eq!(token(&[&format!("Basic {}", STANDARD.encode("d2:a"))]), None);
    }
}
