//! What devices ask, A1-A4. A question is answered with nothing when there is nothing, whatever the reason: only what a
//! device names by id can be unknown.

use axum::{Json, extract::State};
use drover_domain::{ClientVersionId, offer::PackageQuery};
use http::HeaderMap;
use utoipa::OpenApi;

use super::{
    WebApi,
    auth::authenticate_client,
    errors::WebError,
    groups::os,
    params::Params,
    projection,
    wire::{Empty, GroupVersions, NewestVersion},
};
use crate::openapi::DeviceRefusals;

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(extended_versions, extended_version, check_group, check_package))]
pub(crate) struct Api;

/// The longest code, package or label that is looked for.
const NAME_MAX_CHARS: usize = 128;

/// The versions of the client for extended terminals, newest first.
#[utoipa::path(
    post, path = "/mdm/v1/devices_client/ext/apps", tag = "devices", operation_id = "devices_ext_apps",
    security(("device" = [])), params(("deviceUuid" = String, Query, description = "The device", example = "d1")),
    responses((status = 200, description = "The group and its versions", body = GroupVersions), DeviceRefusals)
)]
pub(super) async fn extended_versions(
    State(api): State<WebApi>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<GroupVersions>, WebError> {
    let device = authenticate_client(&api, &headers, &params).await?;
    let found = api.service.extended_clients(&device).await?;
    Ok(Json(projection::updates(&api.service, found)))
}

/// One version of the client for extended terminals.
#[utoipa::path(
    post, path = "/mdm/v1/devices_client/ext/app", tag = "devices", operation_id = "devices_ext_app",
    security(("device" = [])),
    params(
        ("deviceUuid" = String, Query, description = "The device", example = "d1"),
        ("appId" = String, Query, description = "A version that the device is offered", example = "1003"),
    ),
    responses((status = 200, description = "The group and the version", body = GroupVersions), DeviceRefusals)
)]
pub(super) async fn extended_version(
    State(api): State<WebApi>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<GroupVersions>, WebError> {
    let device = authenticate_client(&api, &headers, &params).await?;
    let version = ClientVersionId(params.required_number("appId")?);
    let found = api.service.extended_client(&device, version).await?;
    Ok(Json(projection::updates(&api.service, found)))
}

/// The newer versions of a group, newest first.
#[utoipa::path(
    post, path = "/mdm/v1/devices_client/v2/check_app_version", tag = "devices", operation_id = "devices_check_group",
    security(("device" = [])),
    params(
        ("deviceUuid" = String, Query, description = "The device", example = "d1"),
        ("appVersionCode" = i32, Query, description = "The version that it has; 0 or less when it has none", example = 0),
        ("groupCode" = String, Query, description = "The group's code", example = "agent"),
    ),
    responses((status = 200, description = "The group and its newer versions", body = GroupVersions), DeviceRefusals)
)]
pub(super) async fn check_group(
    State(api): State<WebApi>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<GroupVersions>, WebError> {
    let device = authenticate_client(&api, &headers, &params).await?;
    let installed_code = params.required_number("appVersionCode")?;
    let group_code = named(&params, "groupCode")?;
    let found = api.service.check_group_update(&device, group_code, installed_code).await?;
    Ok(Json(projection::updates(&api.service, found)))
}

/// The newest version of a package, if it is newer.
#[utoipa::path(
    post, path = "/mdm/v1/devices_client/check_app_version", tag = "devices", operation_id = "devices_check_package",
    security(("device" = [])),
    params(
        ("deviceUuid" = String, Query, description = "The device", example = "d1"),
        ("appVersionCode" = i32, Query, description = "The version that it has; 0 or less when it has none", example = 0),
        ("os" = i32, Query, description = "51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony", example = 51201),
        ("packageName" = String, Query, description = "The package", example = "com.example.agent"),
        ("appUiFamily" = Option<String>, Query, description = "A label that the group must bear", example = "COPE"),
    ),
    responses((status = 200, description = "The version, or `{}`", body = NewestVersion), DeviceRefusals)
)]
pub(super) async fn check_package(
    State(api): State<WebApi>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<NewestVersion>, WebError> {
    let device = authenticate_client(&api, &headers, &params).await?;
    let query = PackageQuery {
        os: os(&params)?.ok_or_else(|| WebError::invalid("os", "is missing"))?,
        package: named(&params, "packageName")?,
        label: params.text("appUiFamily", NAME_MAX_CHARS)?.map(str::trim).filter(|label| !label.is_empty()),
        installed_code: params.required_number("appVersionCode")?,
    };
    let found = api.service.check_package_update(&device, &query).await?;
    let offset = found.utc_offset_minutes;
    Ok(Json(match found.offer {
        Some(offer) => NewestVersion::Version(projection::offer(offer, offset)),
        None => NewestVersion::Nothing(Empty {}),
    }))
}

fn named<'a>(params: &'a Params, name: &str) -> Result<&'a str, WebError> {
    params.required(name)?;
    Ok(params.text(name, NAME_MAX_CHARS)?.unwrap_or_default().trim())
}
