//! A13, A21 and A22: a published version is distributed to devices, and a distribution cancelled.

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
    params::{Id, Params},
};
use crate::openapi::WriteRefusals;

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(distribute, distribute_publication, cancel))]
pub(crate) struct Api;

/// Distributes a published version: the devices of the organisations are told to upgrade, now or at a time. Answers at once,
/// however many they are.
#[utoipa::path(
    post, path = "/mdm/v1/clientupgrade/apps/{id}/distribute", operation_id = "versions_distribute", tag = "client upgrades",
    params(("id" = i64, Path, description = "The version", example = 1001)),
    request_body = Offer,
    responses((status = 200, description = "It is on its way", body = Done), WriteRefusals)
)]
pub(crate) async fn distribute(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    Extension(trace): Extension<TraceContext>,
    JsonBody(offer): JsonBody<Offer>,
) -> Result<Done, WebError> {
    operator.require_write()?;
    let request = offer.read(Call::Distribute, id, &operator, api.now())?;
    api.service.distribute_version(&operator, ClientVersionId(id), request, trace).await?;
    Ok(Done {})
}

/// Distributes a publication to all organisations that it was made for, within the caller's reach.
#[utoipa::path(
    post, path = "/mdm/v1/clientupgrade/publish_logs/{id}/distribute", operation_id = "publications_distribute", tag = "client upgrades",
    params(
        ("id" = i64, Path, description = "The publication", example = 3001),
        ("forceUpdate" = bool, Query, description = "Whether users may not put the upgrade off; or in a form", example = true),
    ),
    responses((status = 200, description = "It is on its way", body = Done), WriteRefusals)
)]
pub(crate) async fn distribute_publication(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    Extension(trace): Extension<TraceContext>,
    params: Params,
) -> Result<Done, WebError> {
    operator.require_write()?;
    let force = params.boolean("forceUpdate")?.ok_or_else(|| WebError::invalid("forceUpdate", "is missing"))?;
    api.service.distribute_publication(&operator, JobId(id), force, trace).await?;
    Ok(Done {})
}

/// Cancels a distribution: what no device has yet is stopped, what is under way goes on. To do it again is no error.
#[utoipa::path(
    patch, path = "/mdm/v1/clientupgrade/distribute_logs/{id}/cancel", operation_id = "distributions_cancel", tag = "client upgrades",
    params(("id" = i64, Path, description = "The distribution", example = 3002)),
    responses((status = 200, description = "It is cancelled", body = Done), WriteRefusals)
)]
pub(crate) async fn cancel(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
) -> Result<Done, WebError> {
    api.service.cancel_distribution(&operator, JobId(id)).await?;
    Ok(Done {})
}
