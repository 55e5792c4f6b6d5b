//! Groups and labels: what both are on the wire, and what is done with both.

use axum::{Json, extract::Path, response::IntoResponse as _};
use drover_service::{MemberChange, NewUserSet, Operator, UserSet, UserSetChange, UserSetKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    users::UserView,
    wire::{Answer, ListAnswer, created, done, given, id, list_from, number, text_or_null, time},
};
use crate::web::{WebApi, errors::WebError, params::Params};

/// A group or a label: a named set of users.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserSetView {
    id: String,
    /// One of its kind in the tenant.
    name: String,
    description: String,
    /// The code of its organisation.
    organisation: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<UserSet> for UserSetView {
    fn from(set: UserSet) -> Self {
        Self {
            id: set.id.to_string(),
            name: set.name,
            description: set.description,
            organisation: set.organisation_code,
            created_at: time(set.created_at),
            updated_at: time(set.updated_at),
        }
    }
}

/// A new group or label.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSet {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    description: String,
    /// The code of its organisation; the caller's own when absent.
    organisation: Option<String>,
}

/// What of a group or label is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    description: Option<String>,
    /// A code.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    organisation: Option<String>,
}

/// Who comes and who goes, by their ids. All of it happens, or nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Members {
    /// Users to add; those who are in it already stay.
    #[serde(default)]
    #[schema(max_items = 10000)]
    add: Vec<String>,
    /// Users to take away; those who are not in it stay away.
    #[serde(default)]
    #[schema(max_items = 10000)]
    remove: Vec<String>,
}

/// What a change of members came to.
#[derive(Serialize, ToSchema)]
pub(super) struct MembersChanged {
    /// How many were not in it.
    added: u64,
    /// How many were.
    removed: u64,
}

pub(super) async fn list(api: &WebApi, caller: &Operator, kind: UserSetKind, params: &Params) -> Answer {
    let organisation = params.optional("organisation");
    let list = api.service.user_sets(caller, kind, organisation, &list_from(params)?).await?;
    Ok(ListAnswer::of(list, UserSetView::from))
}

pub(super) async fn add(api: &WebApi, caller: &Operator, kind: UserSetKind, new: NewSet) -> Answer {
    let NewSet { name, description, organisation } = new;
    let added = api.service.add_user_set(caller, kind, &NewUserSet { name, description, organisation }).await?;
    Ok(created(&format!("/{}s/{}", kind.word(), added.id), UserSetView::from(added)))
}

pub(super) async fn show(api: &WebApi, caller: &Operator, kind: UserSetKind, path: &Path<String>) -> Answer {
    let found = api.service.user_set(caller, kind, id(kind.word(), path)?).await?;
    Ok(Json(UserSetView::from(found)).into_response())
}

pub(super) async fn change(
    api: &WebApi,
    caller: &Operator,
    kind: UserSetKind,
    path: &Path<String>,
    change: SetChange,
) -> Answer {
    let SetChange { name, description, organisation } = change;
    let change = UserSetChange { name, description, organisation };
    let changed = api.service.change_user_set(caller, kind, id(kind.word(), path)?, &change).await?;
    Ok(Json(UserSetView::from(changed)).into_response())
}

pub(super) async fn delete(api: &WebApi, caller: &Operator, kind: UserSetKind, path: &Path<String>) -> Answer {
    api.service.delete_user_set(caller, kind, id(kind.word(), path)?).await?;
    Ok(done())
}

pub(super) async fn members(
    api: &WebApi,
    caller: &Operator,
    kind: UserSetKind,
    path: &Path<String>,
    params: &Params,
) -> Answer {
    let list = api.service.user_set_members(caller, kind, id(kind.word(), path)?, &list_from(params)?).await?;
    Ok(ListAnswer::of(list, UserView::from))
}

pub(super) async fn change_members(
    api: &WebApi,
    caller: &Operator,
    kind: UserSetKind,
    path: &Path<String>,
    members: Members,
) -> Answer {
    let ids = |field: &'static str, texts: Vec<String>| {
        texts.iter().map(|text| number(field, text)).collect::<Result<Vec<i64>, WebError>>()
    };
    let change = MemberChange { add: ids("add", members.add)?, remove: ids("remove", members.remove)? };
    let changed = api.service.change_members(caller, kind, id(kind.word(), path)?, &change).await?;
    Ok(Json(MembersChanged { added: changed.added, removed: changed.removed }).into_response())
}
