//! Organisations: the tenant's tree.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::{OrganisationId, OrganisationPath};
use drover_service::{List, Organisation, ServiceError};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, created, done, given, id, list_from, number, time};
use crate::{
    openapi::{Refusals, WriteRefusals},
    web::{WebApi, auth::WebCaller, body::JsonBody, errors::WebError, params::Params},
};

/// Organisations.
#[derive(OpenApi)]
#[openapi(paths(list, children, add, show, change, delete))]
pub(crate) struct Api;

/// An organisation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrganisationView {
    id: String,
    /// What everything else names it by, one of its kind in the tenant.
    code: String,
    name: String,
    /// The organisation above it; `null` for the tenant's root.
    parent_id: Option<String>,
    /// How many organisations stand above it.
    depth: usize,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<Organisation> for OrganisationView {
    fn from(organisation: Organisation) -> Self {
        Self {
            id: organisation.id.to_string(),
            code: organisation.code,
            name: organisation.name,
            parent_id: organisation.parent.map(|parent| parent.to_string()),
            depth: organisation.path.ids().count().saturating_sub(1),
            created_at: time(organisation.created_at),
            updated_at: time(organisation.updated_at),
        }
    }
}

/// A new organisation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewOrganisation {
    #[schema(min_length = 1, max_length = 64)]
    code: String,
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// The organisation above it; the caller's own when absent.
    parent_id: Option<String>,
}

/// What of an organisation is to be different: its name, or where it stands, or both.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OrganisationChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    name: Option<String>,
    /// The organisation to stand below, with everything below it.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    parent_id: Option<String>,
}

/// Lists the caller's organisation and everything below it, each before those below it.
#[utoipa::path(get, path = "/admin/v1/organisations", tag = "organisations", operation_id = "organisations_list",
    params(Paging, ("under" = Option<i64>, Query, description = "Only this organisation and what is below it")),
    responses((status = 200, description = "A page", body = ListAnswer<OrganisationView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
    let from = list_from(&params)?;
    let after = match &from.after {
        Some(text) => Some(path_of(text).ok_or_else(|| WebError::invalid("after", "is not what a page ended with"))?),
        None => None,
    };
    let top = params.number("under")?.map(OrganisationId);
    let list = api.service.list_organisations(&caller, top, after.as_ref(), &from).await?;
    let List { items, next } = list;
    let list = List { items, next: next.map(|path| path.trim_matches('/').replace('/', "-")) };
    Ok(ListAnswer::of(list, OrganisationView::from))
}

/// A place in the tree, as a page names it.
fn path_of(text: &str) -> Option<OrganisationPath> {
    OrganisationPath::parse(&format!("/{}/", text.replace('-', "/")))
}

/// Lists the organisations right below one.
#[utoipa::path(get, path = "/admin/v1/organisations/{id}/children", tag = "organisations",
    operation_id = "organisations_children", params(("id" = i64, Path, example = 101), Paging),
    responses((status = 200, description = "A page", body = ListAnswer<OrganisationView>), Refusals))]
pub(super) async fn children(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    params: Params,
) -> Answer {
    let parent = OrganisationId(id("organisation", &path)?);
    let list = api.service.child_organisations(&caller, parent, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, OrganisationView::from))
}

/// Adds an organisation.
#[utoipa::path(post, path = "/admin/v1/organisations", tag = "organisations", operation_id = "organisations_add",
    request_body = NewOrganisation,
    responses((status = 201, description = "It is there; `Location` is its address", body = OrganisationView,
        headers(("Location" = String))), WriteRefusals))]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    JsonBody(new): JsonBody<NewOrganisation>,
) -> Answer {
    let parent = new.parent_id.map(|text| number("parentId", &text)).transpose()?.map(OrganisationId);
    let added = api.service.add_organisation(&caller, parent, &new.code, &new.name).await;
    let added = added.map_err(|error| parent_missing(error.into()))?;
    Ok(created(&format!("/organisations/{}", added.id), OrganisationView::from(added)))
}

/// What a call names in its body is not the call's address.
fn parent_missing(error: WebError) -> WebError {
    match error {
        WebError::NotFound(reason) => WebError::invalid("parentId", reason),
        other => other,
    }
}

/// Shows an organisation.
#[utoipa::path(get, path = "/admin/v1/organisations/{id}", tag = "organisations", operation_id = "organisations_show",
    params(("id" = i64, Path, example = 101)),
    responses((status = 200, description = "The organisation", body = OrganisationView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    let found = api.service.organisation(&caller, OrganisationId(id("organisation", &path)?)).await?;
    Ok(Json(OrganisationView::from(found)).into_response())
}

/// Renames an organisation, or puts it below another.
#[utoipa::path(patch, path = "/admin/v1/organisations/{id}", tag = "organisations",
    operation_id = "organisations_change", params(("id" = i64, Path, example = 101)), request_body = OrganisationChange,
    responses((status = 200, description = "The organisation as it is now", body = OrganisationView), WriteRefusals))]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    JsonBody(change): JsonBody<OrganisationChange>,
) -> Answer {
    let id = OrganisationId(id("organisation", &path)?);
    caller.require_write()?;
    let parent = change.parent_id.map(|text| number("parentId", &text)).transpose()?.map(OrganisationId);
    let changed = api.service.change_organisation(&caller, id, change.name.as_deref(), parent).await;
    let changed = changed.map_err(|error| match (&error, parent) {
        (ServiceError::NotFound { id: unknown, .. }, Some(parent))
            if *unknown == parent.to_string() && parent != id =>
        {
            parent_missing(error.into())
        }
        _ => error.into(),
    })?;
    Ok(Json(OrganisationView::from(changed)).into_response())
}

/// Removes an organisation to which nothing belongs.
#[utoipa::path(delete, path = "/admin/v1/organisations/{id}", tag = "organisations",
    operation_id = "organisations_delete", params(("id" = i64, Path, example = 101)),
    responses((status = 204, description = "It is gone"), WriteRefusals))]
pub(super) async fn delete(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    api.service.delete_organisation(&caller, OrganisationId(id("organisation", &path)?)).await?;
    Ok(done())
}
