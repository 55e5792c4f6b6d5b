//! Application policies: settings that travel with an application when it is pushed.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::{DomainType, PolicyId};
use drover_service::{ApplicationPolicy, NewPolicyValues, PolicyChange, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, created, done, given, id, list_from, time};
use crate::{
    openapi::{Refusals, WriteRefusals},
    web::{WebApi, auth::WebCaller, body::JsonBody, errors::WebError, params::Params},
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(list, add, show, change, delete))]
pub(crate) struct Api;

/// Settings that travel with an application.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyView {
    id: String,
    /// One of its kind in the tenant.
    name: String,
    /// The code of its organisation.
    organisation: String,
    /// Which applications it is for: 0 normal, 2 container, 3 built-in.
    domain_type: i16,
    /// Whether it may be pushed.
    enabled: bool,
    /// What it says; Drover hands it on.
    #[schema(value_type = Object)]
    settings: Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<ApplicationPolicy> for PolicyView {
    fn from(policy: ApplicationPolicy) -> Self {
        Self {
            id: policy.id.to_string(),
            name: policy.name,
            organisation: policy.organisation_code,
            domain_type: policy.domain_type.code(),
            enabled: policy.is_enabled,
            settings: policy.settings,
            created_at: time(policy.created_at),
            updated_at: time(policy.updated_at),
        }
    }
}

/// A new policy.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewPolicy {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// The code of its organisation; the caller's own when absent.
    organisation: Option<String>,
    /// Which applications it is for: 0 normal, 2 container, 3 built-in.
    domain_type: i16,
    /// Whether it may be pushed; yes when absent.
    #[serde(default = "yes")]
    enabled: bool,
    /// What it says, at most 64 KiB.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
}

const fn yes() -> bool {
    true
}

/// What of a policy is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyChanges {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// What it says from now on, whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

/// Lists the policies of the caller's organisation and those below it.
#[utoipa::path(get, path = "/admin/v1/application-policies", tag = "application policies",
    operation_id = "application_policies_list", params(Paging),
    responses((status = 200, description = "A page", body = ListAnswer<PolicyView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
    let list = api.service.application_policies(&caller, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, PolicyView::from))
}

/// Adds a policy. A name that is taken is refused with 409 and errorCode 759.
#[utoipa::path(post, path = "/admin/v1/application-policies", tag = "application policies",
    operation_id = "application_policies_add", request_body = NewPolicy,
    responses((status = 201, description = "It is there; `Location` is its address", body = PolicyView,
        headers(("Location" = String))), WriteRefusals))]
pub(super) async fn add(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    JsonBody(new): JsonBody<NewPolicy>,
) -> Answer {
    let NewPolicy { name, organisation, domain_type, enabled, settings } = new;
    let domain_type = DomainType::from_code(domain_type)
        .ok_or_else(|| WebError::invalid("domainType", "is 0 (normal), 2 (container) or 3 (built-in)"))?;
    let settings = Value::Object(settings);
    let new = NewPolicyValues { name, organisation, domain_type, is_enabled: enabled, settings };
    let added = api.service.add_application_policy(&caller, &new).await.map_err(conflict)?;
    Ok(created(&format!("/application-policies/{}", added.id), PolicyView::from(added)))
}

/// Shows a policy.
#[utoipa::path(get, path = "/admin/v1/application-policies/{id}", tag = "application policies",
    operation_id = "application_policies_show", params(("id" = i64, Path, example = 101)),
    responses((status = 200, description = "The policy", body = PolicyView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    let found = api.service.application_policy(&caller, PolicyId(id("policy", &path)?)).await?;
    Ok(Json(PolicyView::from(found)).into_response())
}

/// Changes a policy. Devices hear of it with the next push.
#[utoipa::path(patch, path = "/admin/v1/application-policies/{id}", tag = "application policies",
    operation_id = "application_policies_change", params(("id" = i64, Path, example = 101)),
    request_body = PolicyChanges,
    responses((status = 200, description = "The policy as it is now", body = PolicyView), WriteRefusals))]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    path: Path<String>,
    JsonBody(change): JsonBody<PolicyChanges>,
) -> Answer {
    let PolicyChanges { name, enabled, settings } = change;
    let change = PolicyChange { name, is_enabled: enabled, settings: settings.map(Value::Object) };
    let id = PolicyId(id("policy", &path)?);
    let changed = api.service.change_application_policy(&caller, id, &change).await.map_err(conflict)?;
    Ok(Json(PolicyView::from(changed)).into_response())
}

/// Removes a policy. One that an application is pushed with is refused with 409 and errorCode 734.
#[utoipa::path(delete, path = "/admin/v1/application-policies/{id}", tag = "application policies",
    operation_id = "application_policies_delete", params(("id" = i64, Path, example = 101)),
    responses((status = 204, description = "It is gone"), WriteRefusals))]
pub(super) async fn delete(State(api): State<WebApi>, WebCaller(caller): WebCaller, path: Path<String>) -> Answer {
    let id = PolicyId(id("policy", &path)?);
    api.service.delete_application_policy(&caller, id).await.map_err(conflict)?;
    Ok(done())
}

/// What the document has a code for is a conflict here, as all that is taken or in use.
fn conflict(error: ServiceError) -> WebError {
    match WebError::from(error) {
        WebError::Coded { code, text } => WebError::CodedConflict { code, text },
        other => other,
    }
}
