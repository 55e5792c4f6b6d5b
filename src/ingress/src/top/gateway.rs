//! What every call goes through, in the platform's order: a call with several faults is refused for the first.

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{Request, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use drover_service::{Operator, TokenCheck, TopCredential};
use http::Method as HttpMethod;
use tokio::time::{Instant, timeout_at};

use super::{
    CALLS, OTHER,
    errors::TopError,
    limits::{CallLimits, Limited},
    methods::{self, Call, Method},
    params::{self, Params},
    replay::{Admission, Rejected, Replays},
    signature::{self, SignMethod},
    timestamp,
    wire::{Document, Field, Format, Style},
};
use crate::{
    AppState, Random,
    body::{self, Budget, Room},
};

/// The largest body: hundreds of times what the document asks for.
const MAX_BODY_BYTES: usize = 1 << 20;
/// The only version of the protocol.
const VERSION: &str = "2.0";
/// What is wrong with a call that came too late, or too early.
const STALE: &str = "timestamp is more than 10 minutes off";

/// What the calls of this API share: the state of the process, and what the API keeps between calls.
#[derive(Clone)]
pub(crate) struct Gateway {
    app: AppState,
    bodies: Budget,
    replays: Arc<Replays>,
    call_limits: Arc<CallLimits>,
}

impl Deref for Gateway {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.app
    }
}

/// An id for a call, by which its caller may ask about it.
pub(super) fn request_id(random: &Random) -> String {
    format!("{:016x}", random())
}

/// Counts a call that was answered with this code.
pub(super) fn count(method: &'static str, code: u16) {
    metrics::counter!(CALLS, "method" => method, "code" => code.to_string()).increment(1);
}

/// Answers a call.
pub(super) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    let deadline = Instant::now() + gateway.limits.request_timeout * 9 / 10;
    let request_id = request_id(&gateway.random);
    let of_query = Style::of_query(request.uri().query().unwrap_or_default());
    let (style, method, result) = match gateway.read(request).await {
        Err(error) => (of_query, None, Err(error)),
        // Parameters are as long as the body, and are kept until the answer.
        Ok((params, _room)) => {
            let method = params.get(params::METHOD).and_then(methods::find);
            let style = Style::of(&params);
            // A little before everybody's own deadline, at which nobody knows what the form asks for.
            let result = timeout_at(deadline, gateway.call(method, params)).await;
            (style, method, result.unwrap_or(Err(TopError::TimedOut)))
        }
    };
    // Names of methods that do not exist are their callers' to invent, and each label costs memory.
    count(method.map_or(OTHER, |method| method.name), result.as_ref().map_or_else(TopError::code, |_| 0));
    let document = result.unwrap_or_else(|error| {
        error.log(&request_id);
        error.document()
    });
    document.into_response(style, &request_id)
}

impl Gateway {
    /// A gateway that has seen no call yet.
    pub(crate) fn new(app: AppState) -> Self {
        let bodies = Budget::new(app.limits.body_budget_bytes, app.limits.request_timeout / 2);
        Self { app, bodies, replays: Arc::default(), call_limits: Arc::default() }
    }

    async fn read(&self, request: Request) -> Result<(Params, Room), TopError> {
        if ![HttpMethod::GET, HttpMethod::POST].contains(request.method()) {
            return Err(TopError::HttpAction);
        }
        let (parts, body) = request.into_parts();
        let max_bytes = MAX_BODY_BYTES.min(self.app.limits.max_body_bytes);
        let body = body::read(body, max_bytes, &self.bodies).await?;
        let params = Params::read(parts.uri.query().unwrap_or_default(), &parts.headers, &body).await?;
        Ok((params, body.into_room()))
    }

    /// Checks a call up to its signature, and then who makes it.
    async fn call(&self, method: Option<&'static Method>, params: Params) -> Result<Document, TopError> {
        if params.get(params::FORMAT).is_some_and(|format| Format::parse(format).is_none()) {
            return Err(TopError::InvalidFormat);
        }
        let app_key = params.get(params::APP_KEY).ok_or(TopError::MissingAppKey)?;
        let sign = params.get(params::SIGN).ok_or(TopError::MissingSignature)?;
        params.get(params::METHOD).ok_or(TopError::MissingMethod)?;
        let sent_at = self.sent_at(&params)?;
        check_version(&params)?;
        let credential = self.service.top_credential(app_key).await?.ok_or(TopError::InvalidAppKey)?;
        self.call_limits.check(app_key)?;
        let method = method.ok_or(TopError::InvalidMethod)?;
        let admission = self.prove(&credential, &params, sign, sent_at)?;
        let result = self.answer(method, &credential, params, sent_at).await;
        // Otherwise it is forgotten, also when nobody waits any more: clients send the same signed call again then.
        if !result.as_ref().is_err_and(TopError::is_worth_another_try) {
            admission.keep();
        }
        result.map(|fields| Document::of(method.name, fields))
    }

    fn sent_at(&self, params: &Params) -> Result<DateTime<Utc>, TopError> {
        let text = params.get(params::TIMESTAMP).ok_or(TopError::MissingTimestamp)?;
        let sent_at = timestamp::parse(text).ok_or(TopError::InvalidTimestamp(
            "timestamp is neither yyyy-MM-dd HH:mm:ss in GMT+8 nor milliseconds since 1970",
        ))?;
        if timestamp::is_fresh(sent_at, self.now()) { Ok(sent_at) } else { Err(TopError::InvalidTimestamp(STALE)) }
    }

    /// Checks that the application signed the call, that it did not send it before, and that it does not call too often.
    fn prove(
        &self,
        credential: &TopCredential,
        params: &Params,
        sign: &str,
        sent_at: DateTime<Utc>,
    ) -> Result<Admission, TopError> {
        let sign_method = params.get(params::SIGN_METHOD).map_or(Some(SignMethod::Md5), SignMethod::parse);
        let sign_method =
            sign_method.ok_or(TopError::InvalidSignature("sign_method is none of md5, hmac and hmac-sha256"))?;
        if sign_method == SignMethod::Md5 && !credential.allows_md5 {
            let reason = "this application may not sign with md5; use hmac-sha256";
            return Err(TopError::InvalidSignature(reason));
        }
        let secret = credential.secret.expose().as_bytes();
        let signature = signature::verify(sign_method, secret, params.values(), sign)
            .ok_or(TopError::InvalidSignature("sign is wrong"))?;
        let app_key = &credential.caller.app_key;
        let stale_at = sent_at + timestamp::MAX_SKEW;
        // A copy of a call counts for nobody: else who saw one could use up the limit.
        let admission = self.replays.admit(app_key, &signature, self.now(), stale_at)?;
        self.call_limits.count(app_key, credential.calls_per_s)?;
        Ok(admission)
    }

    async fn answer(
        &self,
        method: &Method,
        credential: &TopCredential,
        params: Params,
        sent_at: DateTime<Utc>,
    ) -> Result<Vec<Field>, TopError> {
        let caller = credential.caller.clone();
        let session = match params.get(params::SESSION) {
            Some(token) => Some(self.session(token, credential).await?),
            None if method.needs_session => return Err(TopError::MissingSession),
            None => None,
        };
        let is_declared = |name: &str| method.parameters.iter().any(|parameter| parameter.name == name);
        let tenant = params.get(params::TENANT_ID).filter(|_| is_declared(params::TENANT_ID));
        if tenant.and_then(|tenant| tenant.trim().parse().ok()).is_some_and(|tenant: i64| tenant != caller.tenant.0) {
            return Err(TopError::Forbidden("tenant_id is not this application's tenant".into()));
        }
        let is_missing = |name: &str| params.get(name).is_none();
        if let Some(missing) = method.parameters.iter().find(|known| known.is_required && is_missing(known.name)) {
            return Err(TopError::MissingParameter(missing.name));
        }
        // Empty ones too: nothing stands between names and values in the signed text, so it would not show if somebody made one
        // long name of a parameter and its value. A file is unknown by any name: it is not signed.
        let is_known = |name: &str| params::COMMON.contains(&name) || is_declared(name);
        let unknown = params.values().keys().find(|name| !is_known(name)).or(params.files().first());
        if let Some(unknown) = unknown {
            return Err(TopError::invalid(unknown, "is no parameter of this method"));
        }
        params.boolean(params::SIMPLIFY)?;
        (method.answer)(Call { service: self.service.clone(), caller, session, params, sent_at }).await
    }

    async fn session(&self, token: &str, credential: &TopCredential) -> Result<Operator, TopError> {
        match self.service.authenticate_operator(token).await? {
            TokenCheck::Accepted(operator) if operator.tenant == credential.caller.tenant => Ok(*operator),
            TokenCheck::Accepted(_) | TokenCheck::Refused => Err(TopError::InvalidSession),
            TokenCheck::TooMany { .. } => {
                Err(TopError::Limited("too many sessions are nobody's, try again in a second"))
            }
        }
    }
}

fn check_version(params: &Params) -> Result<(), TopError> {
    let version = params.get(params::VERSION).ok_or(TopError::MissingVersion)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if version == VERSION {
        Ok(())
    } else if version.split('.').all(is_number) {
        Err(TopError::UnsupportedVersion)
    } else {
        Err(TopError::InvalidVersion)
    }
}

impl From<Limited> for TopError {
    fn from(_: Limited) -> Self {
        Self::Limited("this application makes more calls a second than it may")
    }
}

impl From<Rejected> for TopError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Replayed => {
                Self::InvalidSignature("a call with this sign was made before; sign each with a timestamp of its own")
            }
            Rejected::Stale => Self::InvalidTimestamp(STALE),
            Rejected::Full => Self::Limited("the gateway takes no more calls for some minutes"),
        }
    }
}
