//! X1: access tokens for operators.

use axum::{
    Extension, Json,
    extract::{FromRequest as _, Request, State},
    response::{IntoResponse as _, Response},
};
use drover_service::{OperatorLogin, Secret};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    WebApi,
    auth::{AccessToken, WebCaller},
    body::{Done, JsonBody},
    errors::{ErrorBody, WebError},
    params::Params,
};
use crate::json::string;

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(token, revoke))]
pub(crate) struct Api;

/// The one message for every login that fails.
const WRONG: WebError = WebError::Unauthorized("tenant, loginId or password is wrong");

/// Who wants a token; as JSON or as a form.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct Login {
    /// The operator's name.
    #[serde(default, rename = "loginId", deserialize_with = "string")]
    #[schema(required = true, example = "admin")]
    name: Option<String>,
    /// Its password.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, format = Password)]
    password: Option<String>,
    /// The tenant's name.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "acme")]
    tenant: Option<String>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// What to call with: as `Authorization: Bearer` or as parameter `access_token`.
    access_token: String,
    /// How long it lives, in seconds.
    expires_in: u64,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
}

/// Logs an operator in.
#[utoipa::path(
    post, path = "/mdm/oauth/token", tag = "tokens", operation_id = "tokens_issue", security(()),
    request_body(content((Login = "application/json"), (Login = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "A token", body = TokenAnswer),
        (status = 400, description = "A field is missing", body = ErrorBody),
        (status = 401, description = "Tenant, loginId or password is wrong", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 429, description = "Too many logins failed; `Retry-After` says when to come again", body = ErrorBody),
        (status = 500, description = "The server failed", body = ErrorBody),
        (status = 503, description = "A part of the service is unavailable", body = ErrorBody),
    )
)]
pub(crate) async fn token(State(api): State<WebApi>, params: Params, request: Request) -> Result<Response, WebError> {
    let Login { name, password, tenant } = if params.was_sent("loginId") {
        let field = |name| params.optional(name).map(str::to_owned);
        Login { name: field("loginId"), password: field("password"), tenant: field("tenant") }
    } else {
        JsonBody::from_request(request, &api).await?.0
    };
    let password = Secret::new(required("password", password)?);
    let (tenant, name) = (required("tenant", tenant)?, required("loginId", name)?);
    match api.service.log_in(&tenant, &name, &password).await? {
        OperatorLogin::Accepted(issued) => {
            let answer = TokenAnswer {
                access_token: issued.token.expose().to_owned(),
                expires_in: issued.lives_for.as_secs(),
                token_type: "Bearer",
            };
            let mut response = Json(answer).into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        OperatorLogin::Refused => Err(WRONG),
        OperatorLogin::TooMany { retry_after } => Err(WebError::TooMany { retry_after }),
    }
}

fn required(field: &str, text: Option<String>) -> Result<String, WebError> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| WebError::invalid(field, "is missing"))
}

/// Takes back the token that it is called with. Every process knows within five seconds.
#[utoipa::path(
    post, path = "/mdm/oauth/revoke", tag = "tokens", operation_id = "tokens_revoke",
    responses(
        (status = 200, description = "The token is revoked", body = Done),
        (status = 400, description = "A parameter is malformed", body = ErrorBody),
        (status = 401, description = "No token, or none that is good", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 429, description = "Too many unknown tokens were sent", body = ErrorBody),
        (status = 500, description = "The server failed", body = ErrorBody),
        (status = 503, description = "A part of the service is unavailable", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Extension(token): Extension<AccessToken>,
) -> Result<Done, WebError> {
    api.service.revoke_token(&token.0).await?;
    tracing::info!(operator = %operator.id, "operator logged out");
    Ok(Done {})
}
