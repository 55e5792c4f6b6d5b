//! Who did what, from where.

use axum::extract::State;
use drover_service::AuditEntry;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, list_from, time};
use crate::{
    openapi::Refusals,
    web::{WebApi, actor::WebActor, params::Params},
};

/// The audit.
#[derive(OpenApi)]
#[openapi(paths(list))]
pub(crate) struct Api;

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditView {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// The name of who did it, to log in with or at the command line.
    actor: String,
    /// By which way: `dashboard`, `api` or `command_line`.
    via: String,
    /// The address that called; empty at the command line.
    address: String,
    /// What, as `job_paused`.
    action: String,
    /// To what kind of thing: `job`, `queue`, `worker`, `operator`.
    subject_kind: String,
    /// To which.
    subject: String,
    /// How many devices it affected, where that is known.
    devices: Option<i64>,
    /// More about it.
    detail: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: time(entry.noted_at),
            actor: entry.actor,
            via: entry.via,
            address: entry.address,
            action: entry.action,
            subject_kind: entry.subject_kind,
            subject: entry.subject,
            devices: entry.devices,
            detail: entry.detail,
        }
    }
}

/// Lists what was done within the caller's reach, newest first.
#[utoipa::path(get, path = "/admin/v1/audit", tag = "audit", operation_id = "audit_list", params(Paging),
    responses((status = 200, description = "A page", body = ListAnswer<AuditView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebActor(actor): WebActor, params: Params) -> Answer {
    Ok(ListAnswer::of(api.service.audit(&actor, &list_from(&params)?).await?, AuditView::from))
}
