//! Users: the people who hold devices.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::UserId;
use drover_service::{User, UserFilter, UserValues};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, created, done, given, id, list_from, text_or_null, time};
use crate::{
    openapi::{Refusals, WriteRefusals},
    web::{WebApi, auth::WebCaller, body::JsonBody, errors::WebError, params::Params},
};

/// Users.
#[derive(OpenApi)]
#[openapi(paths(list, add, show, change, delete))]
pub(crate) struct Api;

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserView {
    id: String,
    /// What devices and files name it by, one of its kind in the tenant.
    account: String,
    name: String,
    mail: String,
    phone: String,
    /// The code of its organisation.
    organisation: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            account: user.account,
            name: user.name,
            mail: user.mail,
            phone: user.phone,
            organisation: user.organisation_code,
            created_at: time(user.created_at),
            updated_at: time(user.updated_at),
        }
    }
}

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewUser {
    #[schema(min_length = 1, max_length = 128)]
    account: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    mail: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    phone: String,
    /// The code of its organisation; the caller's own when absent.
    organisation: Option<String>,
}

/// What of a user is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    account: Option<String>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    mail: Option<String>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    phone: Option<String>,
    /// A code.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    organisation: Option<String>,
}

/// Lists the users of the caller's organisation and those below it.
#[utoipa::path(get, path = "/admin/v1/users", tag = "users", operation_id = "users_list",
    params(Paging,
        ("organisation" = Option<String>, Query, description = "Only those of this organisation, by its code, and below it"),
        ("account" = Option<String>, Query, description = "Only the one of this account")),
    responses((status = 200, description = "A page", body = ListAnswer<UserView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
    let text = |name| params.optional(name).map(str::to_owned);
    let filter = UserFilter { organisation: text("organisation"), account: text("account") };
    let list = api.service.users(&caller, &filter, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, UserView::from))
}

/// Adds a user.
#[utoipa::path(post, path = "/admin/v1/users", tag = "users", operation_id = "users_add", request_body = NewUser,
    responses((status = 201, description = "It is there; `Location` is its address", body = UserView,
        headers(("Location" = String))), WriteRefusals))]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    JsonBody(new): JsonBody<NewUser>,
) -> Answer {
    let values = UserValues { account: new.account, name: new.name, mail: new.mail, phone: new.phone };
    let new = drover_service::NewUser { values, organisation: new.organisation };
    let added = api.service.add_user(&caller, &new).await?;
    Ok(created(&format!("/users/{}", added.id), UserView::from(added)))
}

/// Shows a user.
#[utoipa::path(get, path = "/admin/v1/users/{id}", tag = "users", operation_id = "users_show",
    params(("id" = i64, Path, example = 101)), responses((status = 200, description = "The user", body = UserView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    let found = api.service.user(&caller, user(&path)?).await?;
    Ok(Json(UserView::from(found)).into_response())
}

/// Changes a user.
#[utoipa::path(patch, path = "/admin/v1/users/{id}", tag = "users", operation_id = "users_change",
    params(("id" = i64, Path, example = 101)), request_body = UserChange,
    responses((status = 200, description = "The user as it is now", body = UserView), WriteRefusals))]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    JsonBody(change): JsonBody<UserChange>,
) -> Answer {
    let UserChange { account, name, mail, phone, organisation } = change;
    let change = drover_service::UserChange { account, name, mail, phone, organisation };
    let changed = api.service.change_user(&caller, user(&path)?, change).await?;
    Ok(Json(UserView::from(changed)).into_response())
}

/// Removes a user who holds no device, from groups and labels too.
#[utoipa::path(delete, path = "/admin/v1/users/{id}", tag = "users", operation_id = "users_delete",
    params(("id" = i64, Path, example = 101)), responses((status = 204, description = "It is gone"), WriteRefusals))]
pub(super) async fn delete(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    api.service.delete_user(&caller, user(&path)?).await?;
    Ok(done())
}

fn user(path: &Path<String>) -> Result<UserId, WebError> {
    id("user", path).map(UserId)
}
