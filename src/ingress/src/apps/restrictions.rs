//! Black and white lists, B11-B16.

pub(crate) mod wire;

use axum::{Extension, Json, extract::State};
use drover_domain::{Platform, RestrictionType};
use drover_messages::TraceContext;
use drover_service::RestrictionFilter;
use utoipa::OpenApi;

use self::wire::{
    NewRestrictionBody, RestrictionChangeBody, RestrictionCreated, RestrictionPushBody, RestrictionRow,
    RestrictionStatusBody, Search,
};
use super::{errors::AppError, params::ListId, views::Rows, window::Paging, wire::enumerated};
use crate::{
    openapi::AppRefusals,
    web::{
        WebApi,
        auth::WebCaller,
        body::{Done, JsonBody, OptionalJson},
        errors::WebError,
        params::Params,
    },
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(create, list, search, change, push, set_status, delete))]
pub(crate) struct Api;

/// The longest text that is searched for.
const SEARCH_MAX_CHARS: usize = 128;
/// Makes a list. Nobody has it before it is pushed.
#[utoipa::path(
    post, path = "/apps/restriction", tag = "black and white lists", operation_id = "restrictions_create",
    request_body = NewRestrictionBody,
    responses((status = 200, description = "It is made", body = RestrictionCreated), AppRefusals)
)]
pub(super) async fn create(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    JsonBody(body): JsonBody<NewRestrictionBody>,
) -> Result<Json<RestrictionCreated>, AppError> {
    operator.require_write()?;
    let id = api.service.create_restriction(&operator, &body.read()?).await?;
    Ok(Json(RestrictionCreated { app_strategy_id: id.0 }))
}

/// The lists that the caller sees, the newest first. One that was deleted is among them, disabled, until its devices were told.
#[utoipa::path(
    get, path = "/apps/restriction", tag = "black and white lists", operation_id = "restrictions_list",
    params(Search, Paging), responses((status = 200, description = "The lists", body = Rows<RestrictionRow>), AppRefusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
) -> Result<Json<Rows<RestrictionRow>>, AppError> {
    let text = params.text("name", SEARCH_MAX_CHARS)?.map(str::trim).filter(|text| !text.is_empty());
    let filter = RestrictionFilter {
        search: text.map(str::to_owned),
        kind: enumerated("type", params.number("type")?, RestrictionType::from_code)?,
        platform: enumerated("platformType", params.number("platformType")?, Platform::from_code)?,
        is_enabled: enumerated("status", params.number("status")?, wire::enabled)?,
    };
    let found = api.service.restrictions(&operator, &filter, params.window()?).await?;
    Ok(Json(Rows { total: found.total, rows: found.items.into_iter().map(RestrictionRow::of).collect() }))
}

/// The same list: the document puts an id into its address, and answers with the list.
#[utoipa::path(
    get, path = "/apps/restriction/{appStrategyId}", tag = "black and white lists", operation_id = "restrictions_search",
    params(("appStrategyId" = String, Path, description = "Anything", example = "1"), Search, Paging),
    responses((status = 200, description = "The lists", body = Rows<RestrictionRow>), AppRefusals)
)]
pub(super) async fn search(
    state: State<WebApi>,
    caller: WebCaller,
    params: Params,
) -> Result<Json<Rows<RestrictionRow>>, AppError> {
    list(state, caller, params).await
}

/// Changes what is given of a list. Who has it is given the new one.
#[utoipa::path(
    put, path = "/apps/restriction/{appStrategyId}", tag = "black and white lists", operation_id = "restrictions_change",
    params(("appStrategyId" = i64, Path, description = "The list", example = 101)),
    request_body = RestrictionChangeBody,
    responses((status = 200, description = "It is changed", body = Done), AppRefusals)
)]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    ListId(id): ListId,
    Extension(trace): Extension<TraceContext>,
    JsonBody(body): JsonBody<RestrictionChangeBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.change_restriction(&operator, id, &body.read()?, trace).await?;
    Ok(Done {})
}

/// Pushes a list to users and groups, or to labels: their devices keep to it from now on, and those of who joins later as well.
/// Answers at once, however many they are.
#[utoipa::path(
    post, path = "/apps/restriction/{appStrategyId}/push", tag = "black and white lists", operation_id = "restrictions_push",
    params(("appStrategyId" = i64, Path, description = "The list", example = 101)),
    request_body = RestrictionPushBody, responses((status = 200, description = "It is on its way", body = Done), AppRefusals)
)]
pub(super) async fn push(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    ListId(id): ListId,
    Extension(trace): Extension<TraceContext>,
    JsonBody(body): JsonBody<RestrictionPushBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.push_restriction(&operator, id, &body.read()?, trace).await?;
    Ok(Done {})
}

/// Disables a list, which its devices then drop, or enables it again, which gives it back to whom it was pushed.
#[utoipa::path(
    put, path = "/apps/restriction/{appStrategyId}/status", tag = "black and white lists",
    operation_id = "restrictions_set_status",
    params(
        ("appStrategyId" = i64, Path, description = "The list", example = 102),
        ("status" = Option<i32>, Query, description = "0 disabled, 1 enabled; or in the body", minimum = 0, maximum = 1, example = 0),
    ),
    request_body(content = Option<RestrictionStatusBody>, description = "Where the query has no status; or a form with the same field"),
    responses((status = 200, description = "It is so", body = Done), AppRefusals)
)]
pub(super) async fn set_status(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    ListId(id): ListId,
    Extension(trace): Extension<TraceContext>,
    params: Params,
    OptionalJson(body): OptionalJson<RestrictionStatusBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    let status = params.number("status")?.or(body.and_then(|body| body.status));
    let is_enabled = enumerated("status", status, wire::enabled)?.ok_or_else(|| missing("status"))?;
    api.service.set_restriction_enabled(&operator, id, is_enabled, trace).await?;
    Ok(Done {})
}

/// Deletes a list: its devices are told to drop it, and it is gone when they were. The call does not wait for that.
#[utoipa::path(
    delete, path = "/apps/restriction/{appStrategyId}", tag = "black and white lists", operation_id = "restrictions_delete",
    params(("appStrategyId" = i64, Path, description = "The list", example = 103)),
    responses((status = 200, description = "It goes", body = Done), AppRefusals)
)]
pub(super) async fn delete(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    ListId(id): ListId,
    Extension(trace): Extension<TraceContext>,
) -> Result<Done, AppError> {
    api.service.delete_restriction(&operator, id, trace).await?;
    Ok(Done {})
}

fn missing(field: &str) -> WebError {
    WebError::invalid(field, "is missing")
}
