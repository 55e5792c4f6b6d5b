//! Applications of Apple's store are added by their address: B2.

use axum::{Json, extract::State};
use utoipa::OpenApi;

use super::{errors::AppError, views::StoreAnswer, wire::StoreLinkBody};
use crate::{
    openapi::AppRefusals,
    web::{WebApi, auth::WebCaller, body::JsonBody},
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(add))]
pub(crate) struct Api;

/// Adds an application of the store by its address. Nothing is fetched from there.
#[utoipa::path(
    post, path = "/apps/app/weburl", tag = "applications", operation_id = "applications_add_weburl",
    request_body = StoreLinkBody,
    responses((status = 200, description = "It is there", body = StoreAnswer), AppRefusals)
)]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    JsonBody(mut body): JsonBody<StoreLinkBody>,
) -> Result<Json<StoreAnswer>, AppError> {
    operator.require_write()?;
    // What is missing is no address either.
    let url = body.itunes_url.take().unwrap_or_default();
    let id = api.service.add_store_application(&operator, url.trim(), &body.read()?).await?;
    Ok(Json(StoreAnswer { app_id: id.to_string() }))
}
