//! Operators: who calls this API and its neighbours.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::{OperatorId, Role};
use drover_service::{List, OperatorChange, OperatorRecord, Secret};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, created, done, given, id, list_from, organisation, time};
use crate::{
    openapi::{Refusals, WriteRefusals},
    web::{WebApi, auth::WebCaller, body::JsonBody, errors::WebError, params::Params},
};

/// Operators.
#[derive(OpenApi)]
#[openapi(paths(me, list, add, show, change, set_password, disable, enable))]
pub(crate) struct Api;

/// What an operator may do within reach.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleWord {
    /// Everything in the whole tenant.
    TenantAdmin,
    /// Everything in one organisation and below it.
    OrgAdmin,
    /// Looks at one organisation and below it.
    ReadOnly,
}

impl From<Role> for RoleWord {
    fn from(role: Role) -> Self {
        match role {
            Role::TenantAdmin => Self::TenantAdmin,
            Role::OrgAdmin => Self::OrgAdmin,
            Role::ReadOnly => Self::ReadOnly,
        }
    }
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::TenantAdmin => Self::TenantAdmin,
            RoleWord::OrgAdmin => Self::OrgAdmin,
            RoleWord::ReadOnly => Self::ReadOnly,
        }
    }
}

/// An operator.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperatorView {
    id: String,
    login_id: String,
    name: String,
    role: RoleWord,
    /// The code of the organisation that it reaches, with everything below it.
    organisation: String,
    /// Whether it may not log in.
    disabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<OperatorRecord> for OperatorView {
    fn from(record: OperatorRecord) -> Self {
        Self {
            id: record.id.to_string(),
            login_id: record.login_id,
            name: record.name,
            role: record.role.into(),
            organisation: record.organisation.code,
            disabled: record.disabled_at.is_some(),
            created_at: time(record.created_at),
            updated_at: time(record.updated_at),
        }
    }
}

/// A new operator.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewOperator {
    #[schema(min_length = 1, max_length = 128)]
    login_id: String,
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    role: RoleWord,
    /// The code of the organisation that it is to reach: the caller's own when absent; a tenant administrator's is the root.
    organisation: Option<String>,
    #[schema(format = Password)]
    password: String,
}

/// What of an operator is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangedOperator {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    role: Option<RoleWord>,
    /// A code.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    organisation: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[schema(format = Password)]
    password: String,
}

/// Shows who calls.
#[utoipa::path(get, path = "/admin/v1/me", tag = "operators", operation_id = "operators_me",
    responses((status = 200, description = "The operator whose token it is", body = OperatorView), Refusals))]
pub(super) async fn me(State(api): State<WebApi>, WebCaller(caller): WebCaller) -> Answer {
    Ok(Json(OperatorView::from(api.service.operator(&caller, caller.id).await?)).into_response())
}

/// Lists the operators of the caller's organisation and those below it.
#[utoipa::path(get, path = "/admin/v1/operators", tag = "operators", operation_id = "operators_list", params(Paging),
    responses((status = 200, description = "A page", body = ListAnswer<OperatorView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
    let list: List<OperatorRecord> = api.service.list_operators(&caller, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, OperatorView::from))
}

/// Adds an operator.
#[utoipa::path(post, path = "/admin/v1/operators", tag = "operators", operation_id = "operators_add",
    request_body = NewOperator,
    responses((status = 201, description = "It is there; `Location` is its address", body = OperatorView,
        headers(("Location" = String))), WriteRefusals))]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    JsonBody(new): JsonBody<NewOperator>,
) -> Answer {
    let organisation = match &new.organisation {
        Some(code) => Some(organisation(&api, &caller, code).await?),
        None => None,
    };
    let new = drover_service::NewOperator {
        login_id: new.login_id,
        name: new.name,
        role: new.role.into(),
        organisation,
        password: Secret::new(new.password),
    };
    let added = api.service.add_operator(&caller, new).await?;
    Ok(created(&format!("/operators/{}", added.id), OperatorView::from(added)))
}

/// Shows an operator.
#[utoipa::path(get, path = "/admin/v1/operators/{id}", tag = "operators", operation_id = "operators_show",
    params(("id" = i64, Path, example = 103)),
    responses((status = 200, description = "The operator", body = OperatorView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    let found = api.service.operator(&caller, operator(&path)?).await?;
    Ok(Json(OperatorView::from(found)).into_response())
}

/// Changes an operator. Its tokens are good for what it is now.
#[utoipa::path(patch, path = "/admin/v1/operators/{id}", tag = "operators", operation_id = "operators_change",
    params(("id" = i64, Path, example = 103)), request_body = ChangedOperator,
    responses((status = 200, description = "The operator as it is now", body = OperatorView), WriteRefusals))]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    JsonBody(change): JsonBody<ChangedOperator>,
) -> Answer {
    let id = operator(&path)?;
    let organisation = match &change.organisation {
        Some(code) => Some(organisation(&api, &caller, code).await?),
        None => None,
    };
    let change = OperatorChange { name: change.name, role: change.role.map(Role::from), organisation };
    let changed = api.service.change_operator(&caller, id, change).await?;
    Ok(Json(OperatorView::from(changed)).into_response())
}

/// Gives an operator another password. Its tokens end.
#[utoipa::path(put, path = "/admin/v1/operators/{id}/password", tag = "operators",
    operation_id = "operators_set_password", params(("id" = i64, Path, example = 103)), request_body = NewPassword,
    responses((status = 204, description = "It is changed"), WriteRefusals))]
pub(super) async fn set_password(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    JsonBody(new): JsonBody<NewPassword>,
) -> Answer {
    api.service.set_operator_password(&caller, operator(&path)?, &Secret::new(new.password)).await?;
    Ok(done())
}

/// Keeps an operator from logging in, and ends its tokens.
#[utoipa::path(post, path = "/admin/v1/operators/{id}/disable", tag = "operators", operation_id = "operators_disable",
    params(("id" = i64, Path, example = 103)), responses((status = 204, description = "It may not log in"), WriteRefusals))]
pub(super) async fn disable(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    api.service.set_operator_disabled(&caller, operator(&path)?, true).await?;
    Ok(done())
}

/// Lets an operator log in again.
#[utoipa::path(post, path = "/admin/v1/operators/{id}/enable", tag = "operators", operation_id = "operators_enable",
    params(("id" = i64, Path, example = 103)), responses((status = 204, description = "It may log in"), WriteRefusals))]
pub(super) async fn enable(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    api.service.set_operator_disabled(&caller, operator(&path)?, false).await?;
    Ok(done())
}

fn operator(path: &Path<String>) -> Result<OperatorId, WebError> {
    id("operator", path).map(OperatorId)
}
