//! The operator who calls, as one who looks at jobs, queues and workers or steps in.

use axum::extract::FromRequestParts;
use drover_service::{Actor, Via};
use http::request::Parts;

use super::{WebApi, auth::WebCaller, errors::WebError};
use crate::serve::Peer;

/// Who calls, by an access token and from an address.
#[derive(Debug, Clone)]
pub(crate) struct WebActor(pub(crate) Actor);

impl FromRequestParts<WebApi> for WebActor {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, WebError> {
        let WebCaller(operator) = WebCaller::from_request_parts(parts, api).await?;
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
        Ok(Self(Actor::operator(&operator, Via::Api, address)))
    }
}
