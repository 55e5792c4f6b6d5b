//! Applications are listed, shown and edited: B3, B4 and B6.

use axum::{Json, extract::State};
use drover_domain::{ApplicationType, CategoryId, DomainType, Platform};
use drover_service::ApplicationFilter;
use utoipa::OpenApi;

use super::{
    errors::AppError,
    params::AppId,
    views::{self, DetailAnswer, ListRow, Rows},
    window::Paging,
    wire::{ApplicationBody, enumerated},
};
use crate::{
    openapi::AppRefusals,
    web::{
        WebApi,
        auth::WebCaller,
        body::{Done, JsonBody},
        params::Params,
    },
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(list, show, edit))]
pub(crate) struct Api;

/// The longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 128;

/// Lists the applications that the caller sees, the newest first.
#[utoipa::path(
    get, path = "/apps/app", tag = "applications", operation_id = "applications_list",
    params(
        Paging,
        ("search_nameOrComp" = Option<String>, Query, description = "Part of the name or the company"),
        ("search_category" = Option<i64>, Query, description = "A category"),
        ("search_platform" = Option<i16>, Query, description = "1 Android, 2 iOS", minimum = 1, maximum = 2),
        ("search_type" = Option<i16>, Query, description = "1 enterprise, 2 public", minimum = 1, maximum = 2),
        ("search_domaintype" = Option<i16>, Query, description = "0 normal, 2 container, 3 built-in", minimum = 0, maximum = 3),
    ),
    responses((status = 200, description = "The page", body = Rows<ListRow>), AppRefusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
) -> Result<Json<Rows<ListRow>>, AppError> {
    let filter = ApplicationFilter {
        search: params.text("search_nameOrComp", SEARCH_MAX_CHARS)?.map(str::to_owned),
        category: params.number("search_category")?.map(CategoryId),
        platform: enumerated("search_platform", params.number("search_platform")?, Platform::from_code)?,
        kind: enumerated("search_type", params.number("search_type")?, ApplicationType::from_code)?,
        domain_type: enumerated("search_domaintype", params.number("search_domaintype")?, DomainType::from_code)?,
    };
    let found = api.service.applications(&operator, &filter, params.window()?).await?;
    let offset = operator.utc_offset_minutes;
    let rows = found.items.into_iter().map(|item| views::row(&api.service, item, offset)).collect();
    Ok(Json(Rows { total: found.total, rows }))
}

/// Shows an application.
#[utoipa::path(
    get, path = "/apps/app/{appId}", tag = "applications", operation_id = "applications_show",
    params(("appId" = i64, Path, description = "The application", example = 149)),
    responses((status = 200, description = "The application", body = DetailAnswer), AppRefusals)
)]
pub(super) async fn show(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(id): AppId,
) -> Result<Json<DetailAnswer>, AppError> {
    let found = api.service.application(&operator, id).await?;
    Ok(Json(DetailAnswer { app_detail_vo: views::detail(&api.service, found, operator.utc_offset_minutes) }))
}

/// Changes what is said of an application; what is absent stays.
#[utoipa::path(
    put, path = "/apps/app/{appId}", tag = "applications", operation_id = "applications_edit",
    params(("appId" = i64, Path, description = "The application", example = 149)), request_body = ApplicationBody,
    responses((status = 200, description = "It is so", body = Done), AppRefusals)
)]
pub(super) async fn edit(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(id): AppId,
    JsonBody(body): JsonBody<ApplicationBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.change_application(&operator, id, &body.read()?).await?;
    Ok(Done {})
}
