//! Which device calls: HTTP Basic (RFC 7617) with its uuid and token.

use axum::extract::FromRequestParts;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drover_service::{DeviceIdentity, DeviceLogin};
use http::{HeaderMap, header, request::Parts};

use super::{DeviceApi, errors::DeviceError};

/// The device that calls.
pub(super) struct Caller(pub(super) DeviceIdentity);

impl FromRequestParts<DeviceApi> for Caller {
    type Rejection = DeviceError;

    async fn from_request_parts(parts: &mut Parts, api: &DeviceApi) -> Result<Self, DeviceError> {
        let device = authenticate(api, &parts.headers).await?;
        api.lobby.seen(device.device);
        Ok(Self(device))
    }
}

/// Checks who calls; a call that waits asks again afterwards, for its token may have been taken back.
pub(super) async fn authenticate(api: &DeviceApi, headers: &HeaderMap) -> Result<DeviceIdentity, DeviceError> {
    let (uuid, token) = basic(headers).ok_or(DeviceError::Unauthorized)?;
    match api.service.authenticate_device(&uuid, &token).await? {
        DeviceLogin::Accepted(device) => Ok(device),
        DeviceLogin::Refused => Err(DeviceError::Unauthorized),
        DeviceLogin::TooMany { retry_after } => Err(DeviceError::TooMany { retry_after }),
    }
}

/// User and password. A uuid holds no colon, so the first one ends it.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (uuid, token) = decoded.split_once(':')?;
    Some((uuid.to_owned(), token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        basic(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]))
    }

    #[test]
    fn user_and_password_are_read_as_the_standard_says() {
        let aladdin = Some(("Aladdin".into(), "open sesame".into()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        assert_eq!(read("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        assert_eq!(read(&format!("Basic {}", STANDARD.encode("d:a:b"))), Some(("d".into(), "a:b".into())));
        for other in ["", "Basic", "Basic x", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbg=="] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(basic(&HeaderMap::new()), None);
    }
}
