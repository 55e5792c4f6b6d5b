//! The client groups, A5-A10.

use axum::{Json, extract::State};
use drover_domain::{ClientGroupId, ClientVersionId, Os, TerminalClass};
use drover_service::{GroupFilter, GroupKey, Sort};
use utoipa::OpenApi;

use super::{
    WebApi,
    auth::WebCaller,
    body::{Done, JsonBody},
    errors::WebError,
    page::{PageAnswer, Paging},
    params::{Id, Params},
    projection,
    wire::{GroupView, NewGroupBody, OSES, TERMINAL_CLASSES},
};
use crate::openapi::{Refusals, WriteRefusals};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(list, create, rename, show, set_qr, with_qr))]
pub(crate) struct Api;

/// The longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 128;

/// Every column of a group.
const COLUMNS: [(&str, GroupKey); 10] = [
    ("id", GroupKey::Id),
    ("name", GroupKey::Name),
    ("groupCode", GroupKey::GroupCode),
    ("terminalClass", GroupKey::TerminalClass),
    ("uiFamily", GroupKey::UiFamily),
    ("os", GroupKey::Os),
    ("createTime", GroupKey::CreatedAt),
    ("updateTime", GroupKey::UpdatedAt),
    ("appVersionId", GroupKey::QrVersion),
    ("qrCodeUrl", GroupKey::QrCode),
];

/// One page of the groups that the caller sees.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/groups", tag = "client groups", operation_id = "groups_list",
    params(
        Paging,
        ("filterText" = Option<String>, Query, description = "Part of the name, the code or the labels"),
        ("terminalClass" = Option<String>, Query, description = "0 direct, 1 extended"),
        ("os" = Option<String>, Query, description = "51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony"),
    ),
    responses((status = 200, description = "The page", body = PageAnswer<GroupView>), Refusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
) -> Result<Json<PageAnswer<GroupView>>, WebError> {
    let (key, descending) = params.order(&COLUMNS)?;
    let class = params.optional("terminalClass").map(|text| {
        TerminalClass::parse(text.trim()).ok_or_else(|| WebError::invalid("terminalClass", TERMINAL_CLASSES))
    });
    let filter =
        GroupFilter { search: search(&params)?, terminal_class: class.transpose()?, os: os(&params)?, with_qr: false };
    let page = params.page()?;
    let found = api.service.client_groups(&operator, &filter, Sort { key, descending }, page).await?;
    let offset = operator.utc_offset_minutes;
    Ok(Json(PageAnswer::of(found, |group| projection::group(&api.service, &group, offset))))
}

/// Makes a group and its first versions, all of them or nothing.
#[utoipa::path(
    post, path = "/mdm/v1/clientupgrade/groups", tag = "client groups", operation_id = "groups_create",
    request_body = NewGroupBody, responses((status = 200, description = "It is made", body = Done), WriteRefusals)
)]
pub(super) async fn create(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    JsonBody(body): JsonBody<NewGroupBody>,
) -> Result<Done, WebError> {
    operator.require_write()?;
    let (group, versions) = body.read()?;
    let id = api.service.create_client_group(&operator, &group, &versions).await?;
    tracing::info!(operator = %operator.id, group = %id, "client group made");
    Ok(Done {})
}

/// Gives a group another name; without one, nothing changes.
#[utoipa::path(
    patch, path = "/mdm/v1/clientupgrade/groups/{id}", tag = "client groups", operation_id = "groups_rename",
    params(("id" = i64, Path, description = "The group", example = 101), ("name" = Option<String>, Query, description = "Its new name")),
    responses((status = 200, description = "It is so named", body = Done), WriteRefusals)
)]
pub(super) async fn rename(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Done, WebError> {
    let name = params.optional("name").map(str::trim);
    api.service.rename_client_group(&operator, ClientGroupId(id), name).await?;
    Ok(Done {})
}

/// One group.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/groups/{id}", tag = "client groups", operation_id = "groups_show",
    params(("id" = i64, Path, description = "The group", example = 101)),
    responses((status = 200, description = "The group", body = GroupView), Refusals)
)]
pub(super) async fn show(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
) -> Result<Json<GroupView>, WebError> {
    let group = api.service.client_group(&operator, ClientGroupId(id)).await?;
    Ok(Json(projection::group(&api.service, &group, operator.utc_offset_minutes)))
}

/// Says which version a group's QR code downloads.
#[utoipa::path(
    patch, path = "/mdm/v1/clientupgrade/groups/{groupId}/qr_codes", tag = "client groups", operation_id = "groups_set_qr",
    params(
        ("groupId" = i64, Path, description = "The group", example = 101),
        ("appId" = String, Query, description = "One of its versions that is not void", example = "1001"),
    ),
    responses((status = 200, description = "The code downloads it", body = Done), WriteRefusals)
)]
pub(super) async fn set_qr(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Done, WebError> {
    let version = ClientVersionId(params.required_number("appId")?);
    api.service.set_client_qr(&operator, ClientGroupId(id), version).await?;
    Ok(Done {})
}

/// The groups that have a QR code, the one that was changed last first, 1000 at most.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/groups/qr_codes", tag = "client groups", operation_id = "groups_with_qr",
    params(("filterText" = Option<String>, Query, description = "Part of the name, the code or the labels")),
    responses((status = 200, description = "The groups", body = Vec<GroupView>), Refusals)
)]
pub(super) async fn with_qr(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
) -> Result<Json<Vec<GroupView>>, WebError> {
    let groups = api.service.client_groups_with_qr(&operator, search(&params)?).await?;
    let offset = operator.utc_offset_minutes;
    Ok(Json(groups.iter().map(|group| projection::group(&api.service, group, offset)).collect()))
}

fn search(params: &Params) -> Result<Option<String>, WebError> {
    let text = params.text("filterText", SEARCH_MAX_CHARS)?.map(str::trim);
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// The operating system that a parameter names.
pub(super) fn os(params: &Params) -> Result<Option<Os>, WebError> {
    let code = params.number("os")?;
    code.map(|code| Os::from_code(code).ok_or_else(|| WebError::invalid("os", OSES))).transpose()
}
