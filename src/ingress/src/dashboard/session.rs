//! Who looks at a page: an operator with an access token in a cookie.
//!
//! The cookie is out of reach for scripts and is not sent with calls that other sites cause, save by following a link. A form
//! that changes something carries a second token besides, made of the first by a keyed hash: who cannot read the cookie
//! cannot make it.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drover_service::{Actor, Operator, TokenCheck, Via};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{
    BASE,
    errors::PageError,
    language::{Language, cookie},
};
use crate::{
    serve::Peer,
    web::{WebApi, params::Params},
};

/// The cookie with the access token.
const COOKIE: &str = "drover_session";
/// The field of a form with the second token.
pub(super) const CSRF_FIELD: &str = "csrf";

/// Who looks at a page.
#[derive(Clone)]
pub(crate) struct Viewer {
    /// As one who looks or steps in.
    pub(super) actor: Actor,
    /// As an operator.
    pub(super) operator: Operator,
    /// In which language.
    pub(super) language: Language,
    /// The page's address with its query, to come back to.
    pub(super) address: String,
    token: String,
}

impl Viewer {
    /// The token that forms carry.
    pub(super) fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.csrf_bytes())
    }

    fn csrf_bytes(&self) -> [u8; 32] {
        // A key of any length will do.
        let mut mac =
            <Hmac<Sha256>>::new_from_slice(self.token.as_bytes()).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        mac.update(b"drover form");
        mac.finalize().into_bytes().into()
    }

    /// Refuses a form that is not one of our pages'.
    pub(super) fn require_form(&self, params: &Params) -> Result<(), PageError> {
        let sent = params.optional(CSRF_FIELD).and_then(|sent| URL_SAFE_NO_PAD.decode(sent).ok()).unwrap_or_default();
        if bool::from(sent.ct_eq(&self.csrf_bytes())) { Ok(()) } else { Err(PageError::ForeignForm) }
    }

    /// The token of the session.
    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or(PageError::SignedOut)
    }
}

/// Lets those in who have signed in, and sends others to do so. What a page answers with an error is rendered here, where it
/// is known who looks.
pub(super) async fn enter(State(api): State<WebApi>, mut request: Request, next: Next) -> Response {
    let call = Call::of(&request);
    let language = call.language;
    let viewer = match who_looks(&api, call).await {
        Ok(Ok(viewer)) => viewer,
        Ok(Err(call)) => return sign_in_first(request.method(), &call.address),
        Err(error) => return error.render(language, None),
    };
    request.extensions_mut().insert(viewer.clone());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<PageError>() {
        Some(error) => error.render(language, Some(&viewer)),
        None => response,
    }
}

/// What a call says of who makes it.
pub(super) struct Call {
    language: Language,
    address: String,
    token: Option<String>,
    peer: Option<IpAddr>,
}

impl Call {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            language: Language::of(request.headers()),
            address: request.uri().path_and_query().map_or(BASE, |address| address.as_str()).to_owned(),
            token: token_of(request.headers()).map(str::to_owned),
            peer: request.extensions().get::<Peer>().map(|peer| peer.0),
        }
    }
}

/// Who makes a call; the call itself when nobody has signed in.
pub(super) async fn who_looks(api: &WebApi, call: Call) -> Result<Result<Viewer, Call>, PageError> {
    let Some(token) = &call.token else { return Ok(Err(call)) };
    match api.service.authenticate_operator(token).await? {
        TokenCheck::Accepted(operator) => {
            let Call { language, address, token, peer } = call;
            let actor = Actor::operator(&operator, Via::Dashboard, peer);
            let token = token.unwrap_or_default();
            Ok(Ok(Viewer { actor, operator: *operator, language, address, token }))
        }
        TokenCheck::Refused => Ok(Err(call)),
        TokenCheck::TooMany { retry_after } => Err(PageError::TooMany { retry_after }),
    }
}

/// The token of the session that a browser has, if it has one, be it good or not.
pub(super) fn token_of(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE).filter(|token| !token.is_empty())
}

/// Where somebody is sent who has not signed in, to come back afterwards. A form that was sent is not sent again.
fn sign_in_first(method: &Method, address: &str) -> Response {
    let back = if *method == Method::GET { address } else { BASE };
    Redirect::to(&format!("{BASE}/sign-in?next={}", utf8_percent_encode(back, NON_ALPHANUMERIC))).into_response()
}

/// The header that begins a session.
pub(super) fn cookie_of(token: &str, lives_for: Duration, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path={BASE}; Max-Age={}; SameSite=Lax; HttpOnly{secure}", lives_for.as_secs())
}

/// The header that ends it.
pub(super) fn no_cookie() -> String {
    format!("{COOKIE}=; Path={BASE}; Max-Age=0; SameSite=Lax; HttpOnly")
}

/// A page of ours that somebody is to be sent to, or the first one: an address that another site chose leads nowhere else.
pub(super) fn local_path(wanted: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        let rest = path.strip_prefix(BASE);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    wanted.filter(is_ours).unwrap_or(BASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for ours in ["/ui", "/ui/jobs?state=running", "/ui?x"] {
            assert_eq!(local_path(Some(ours)), ours);
        }
        for other in ["", "//evil.test", "/uix", "https://evil.test/ui", "/ui\\evil", "/ui/\r\nx: y", "/ui/ä"] {
            assert_eq!(local_path(Some(other)), BASE, "{other}");
        }
    }
}
