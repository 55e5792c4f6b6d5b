//! The versions of client groups, A11, A12 and A16.

use axum::{Json, extract::State};
use drover_domain::{ClientGroupId, ClientVersionId};
use drover_service::{Sort, VersionKey};
use utoipa::OpenApi;

use super::{
    WebApi,
    auth::WebCaller,
    body::{Done, JsonBody},
    errors::WebError,
    page::{PageAnswer, Paging},
    params::{Id, Params},
    projection,
    wire::{VersionBody, VersionView},
};
use crate::openapi::{Refusals, WriteRefusals};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(upload, list, show))]
pub(crate) struct Api;

/// Every column of a version. Those that all versions of a group have in common leave the order to the id.
const COLUMNS: [(&str, VersionKey); 19] = [
    ("id", VersionKey::Id),
    ("appFileUuid", VersionKey::File),
    ("packageName", VersionKey::PackageName),
    ("appName", VersionKey::AppName),
    ("appIconUuid", VersionKey::Icon),
    ("os", VersionKey::Id),
    ("appVersionCode", VersionKey::VersionCode),
    ("appVersionName", VersionKey::VersionName),
    ("appSize", VersionKey::Size),
    ("updateTime", VersionKey::UpdatedAt),
    ("updateInfo", VersionKey::UpdateInfo),
    ("appUiFamily", VersionKey::Id),
    ("orgCode", VersionKey::Id),
    ("tenantId", VersionKey::Id),
    ("remark", VersionKey::Remark),
    ("default", VersionKey::Id),
    ("forceUpdate", VersionKey::Id),
    ("status", VersionKey::Status),
    ("groupId", VersionKey::Id),
];

/// Adds a version to a group. Its file was uploaded before.
#[utoipa::path(
    post, path = "/mdm/v1/clientupgrade/groups/{id}/apps", tag = "client versions", operation_id = "versions_upload",
    params(("id" = i64, Path, description = "The group", example = 101)), request_body = VersionBody,
    responses((status = 200, description = "It is added", body = Done), WriteRefusals)
)]
pub(super) async fn upload(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    JsonBody(body): JsonBody<VersionBody>,
) -> Result<Done, WebError> {
    operator.require_write()?;
    let version = body.read("")?;
    api.service.add_client_version(&operator, ClientGroupId(id), &version).await?;
    tracing::info!(operator = %operator.id, group = id, code = version.version_code, "client version added");
    Ok(Done {})
}

/// One page of a group's versions, void ones too.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/groups/{id}/apps", tag = "client versions", operation_id = "versions_list",
    params(
        ("id" = i64, Path, description = "The group", example = 101),
        Paging,
    ),
    responses((status = 200, description = "The page", body = PageAnswer<VersionView>), Refusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Json<PageAnswer<VersionView>>, WebError> {
    let (key, descending) = params.order(&COLUMNS)?;
    let page = params.page()?;
    let found = api.service.client_versions(&operator, ClientGroupId(id), Sort { key, descending }, page).await?;
    Ok(Json(PageAnswer::of(found, |version| projection::version(version, operator.utc_offset_minutes))))
}

/// One version.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/apps/{id}", tag = "client versions", operation_id = "versions_show",
    params(("id" = i64, Path, description = "The version", example = 1001)),
    responses((status = 200, description = "The version", body = VersionView), Refusals)
)]
pub(super) async fn show(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
) -> Result<Json<VersionView>, WebError> {
    let version = api.service.client_version(&operator, ClientVersionId(id)).await?;
    Ok(Json(projection::version(version, operator.utc_offset_minutes)))
}
