//! Bodies: forms, whose fields are parameters like those of the query, and JSON.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{WebApi, errors::WebError, params::Params};
use crate::{
    body::{self, Whole},
    json,
};

/// The largest body of a call that is no upload.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A form's body as it came, for a handler that finds JSON in it.
#[derive(Clone)]
struct Kept(Arc<Whole>);

/// Reads a form before its handler is called, and leaves [`Params`] for it. Everything else is the handler's to read.
pub(super) async fn read_form(State(api): State<WebApi>, mut request: Request, next: Next) -> Response {
    match prepare(&api, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Reads the query and, if there is one, the form of a call, and leaves [`Params`] for its handler.
pub(crate) async fn prepare(api: &WebApi, request: &mut Request) -> Result<(), WebError> {
    let mut params = Params::of_query(request.uri().query().unwrap_or_default())?;
    if is_form(request.headers()) {
        let sent = std::mem::replace(request.body_mut(), Body::empty());
        let whole = body::read(sent, max_bytes(api), &api.bodies).await?;
        // Some clients label their JSON as a form.
        if whole.trim_ascii_start().first() != Some(&b'{') {
            params.add_form(&whole)?;
        }
        request.extensions_mut().insert(Kept(Arc::new(whole)));
    }
    request.extensions_mut().insert(params);
    Ok(())
}

fn max_bytes(api: &WebApi) -> usize {
    MAX_BODY_BYTES.min(api.limits.max_body_bytes)
}

fn is_form(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = label.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A body in JSON, whatever it is labelled as; a fault is named by its field.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<WebApi> for JsonBody<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, api: &WebApi) -> Result<Self, WebError> {
        let (mut parts, sent) = request.into_parts();
        let value = match parts.extensions.remove::<Kept>() {
            Some(Kept(whole)) => read_json(&whole),
            None => read_json(&body::read(sent, max_bytes(api), &api.bodies).await?),
        };
        value.map(Self)
    }
}

/// A body in JSON, if there is one; a form, whose fields are [`Params`], is none.
pub(crate) struct OptionalJson<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest<WebApi> for OptionalJson<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, api: &WebApi) -> Result<Self, WebError> {
        let (mut parts, sent) = request.into_parts();
        let is_json = |whole: &[u8]| whole.trim_ascii_start().first() == Some(&b'{');
        let value = match parts.extensions.remove::<Kept>() {
            Some(Kept(whole)) if !is_json(&whole) => return Ok(Self(None)),
            Some(Kept(whole)) => read_json(&whole),
            None => {
                let whole = body::read(sent, max_bytes(api), &api.bodies).await?;
                if whole.trim_ascii().is_empty() {
                    return Ok(Self(None));
                }
                read_json(&whole)
            }
        };
        value.map(|value| Self(Some(value)))
    }
}

/// What a write that succeeded is answered with: `{}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Reads JSON; a fault is named by its field.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WebError> {
    json::object(bytes).map_err(|fault| WebError::invalid(&fault.field, fault.reason))
}
