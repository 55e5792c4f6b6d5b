//! A14, A15 and A20: a version is published, withdrawn for good, and a publication cancelled.

use axum::{Extension, extract::State};
use drover_domain::{ClientVersionId, JobId};
use drover_messages::TraceContext;
use utoipa::OpenApi;

use super::{
    WebApi,
    auth::WebCaller,
    body::{Done, JsonBody},
    errors::WebError,
    offer::{Call, Offer},
    params::Id,
};
use crate::openapi::WriteRefusals;

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(publish, obsolete, cancel))]
pub(crate) struct Api;

/// Publishes a version to organisations: their devices find it when they look for upgrades. With `distribute` they are told of
/// it, too.
#[utoipa::path(
    post, path = "/mdm/v1/clientupgrade/apps/{id}/publish", operation_id = "versions_publish", tag = "client upgrades",
    params(("id" = i64, Path, description = "The version", example = 1001)),
    request_body = Offer,
    responses((status = 200, description = "It is published", body = Done), WriteRefusals)
)]
pub(crate) async fn publish(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    Extension(trace): Extension<TraceContext>,
    JsonBody(offer): JsonBody<Offer>,
) -> Result<Done, WebError> {
    operator.require_write()?;
    let request = offer.read(Call::Publish, id, &operator, api.now())?;
    api.service.publish_version(&operator, ClientVersionId(id), request, trace).await?;
    Ok(Done {})
}

/// Withdraws a version for good: nobody is offered it any more, and what no device has yet of its distributions is stopped.
#[utoipa::path(
    patch, path = "/mdm/v1/clientupgrade/apps/{id}/obsolete", operation_id = "versions_obsolete", tag = "client upgrades",
    params(("id" = i64, Path, description = "The version", example = 1002)),
    responses((status = 200, description = "It is void", body = Done), WriteRefusals)
)]
pub(crate) async fn obsolete(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
) -> Result<Done, WebError> {
    api.service.obsolete_version(&operator, ClientVersionId(id)).await?;
    Ok(Done {})
}

/// Cancels a publication with the distributions that rest on it: what no device has yet is stopped. To do it again is no error.
#[utoipa::path(
    patch, path = "/mdm/v1/clientupgrade/publish_logs/{id}/cancel", operation_id = "publications_cancel", tag = "client upgrades",
    params(("id" = i64, Path, description = "The publication", example = 3003)),
    responses((status = 200, description = "It is cancelled", body = Done), WriteRefusals)
)]
pub(crate) async fn cancel(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
) -> Result<Done, WebError> {
    api.service.cancel_publication(&operator, JobId(id)).await?;
    Ok(Done {})
}
