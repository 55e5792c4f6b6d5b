//! Categories, which the document calls application labels: B17-B20.

use axum::{Json, extract::State};
use drover_domain::CategoryId;
use drover_service::{ApplicationRefusal, NewCategory, ServiceError};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    errors::AppError,
    params::CategoryIds,
    views::{self, CategoryView, Rows},
    window::Paging,
    wire::{self, CategoryBody},
};
use crate::{
    openapi::AppRefusals,
    web::{
        WebApi,
        auth::WebCaller,
        body::{Done, JsonBody},
        errors::WebError,
        params::Params,
    },
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(add, list, edit, delete))]
pub(crate) struct Api;

/// The longest name that is searched for.
const SEARCH_MAX_CHARS: usize = 128;

/// A category that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CategoryAnswer {
    /// The category.
    app_category_id: i64,
}

/// Makes a category of applications.
#[utoipa::path(
    post, path = "/apps/category", tag = "categories", operation_id = "categories_add", request_body = CategoryBody,
    responses((status = 200, description = "It is made", body = CategoryAnswer), AppRefusals)
)]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    JsonBody(body): JsonBody<CategoryBody>,
) -> Result<Json<CategoryAnswer>, AppError> {
    operator.require_write()?;
    let new = read(body)?;
    if new.name.as_deref().is_none_or(|name| name.trim().is_empty()) {
        return Err(WebError::invalid("name", "is missing").into());
    }
    if new.applications.is_none() {
        return Err(WebError::invalid("appIds", "is missing").into());
    }
    let id = api.service.add_category(&operator, &new).await?;
    Ok(Json(CategoryAnswer { app_category_id: id.0 }))
}

/// Lists the categories that the caller sees, the newest first.
#[utoipa::path(
    get, path = "/apps/category", tag = "categories", operation_id = "categories_list",
    params(Paging, ("name" = Option<String>, Query, description = "Part of the name")),
    responses((status = 200, description = "The page", body = Rows<CategoryView>), AppRefusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
) -> Result<Json<Rows<CategoryView>>, AppError> {
    let search = params.text("name", SEARCH_MAX_CHARS)?;
    let found = api.service.categories(&operator, search, params.window()?).await?;
    Ok(Json(Rows { total: found.total, rows: found.items.into_iter().map(views::category).collect() }))
}

/// Changes a category; what is absent stays.
#[utoipa::path(
    put, path = "/apps/category/{appCategoryId}", tag = "categories", operation_id = "categories_edit",
    params(("appCategoryId" = i64, Path, description = "The category", example = 47)), request_body = CategoryBody,
    responses((status = 200, description = "It is so", body = Done), AppRefusals)
)]
pub(super) async fn edit(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    CategoryIds(ids): CategoryIds,
    JsonBody(body): JsonBody<CategoryBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.change_category(&operator, one(&ids)?, &read(body)?).await?;
    Ok(Done {})
}

/// Removes categories without applications: all of them, or none.
#[utoipa::path(
    delete, path = "/apps/category/{appCategoryIds}", tag = "categories", operation_id = "categories_delete",
    params(("appCategoryIds" = String, Path, description = "The categories, with commas between them", example = "47,48")),
    responses((status = 200, description = "They are gone", body = Done), AppRefusals)
)]
pub(super) async fn delete(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    CategoryIds(ids): CategoryIds,
) -> Result<Done, AppError> {
    if ids.is_empty() {
        return Err(none());
    }
    api.service.delete_categories(&operator, &ids).await?;
    Ok(Done {})
}

fn read(body: CategoryBody) -> Result<NewCategory, AppError> {
    let CategoryBody { name, description, app_ids } = body;
    Ok(NewCategory { name, description, applications: wire::applications(app_ids)? })
}

/// The one category in an address.
fn one(ids: &[CategoryId]) -> Result<CategoryId, AppError> {
    if let [id] = ids { Ok(*id) } else { Err(none()) }
}

fn none() -> AppError {
    ServiceError::from(ApplicationRefusal::NoSuchCategory("in the address".into())).into()
}
