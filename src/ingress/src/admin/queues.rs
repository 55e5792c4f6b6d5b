//! Queues: how they stand, and whether workers take from them. For operators who run the installation.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_service::QueueView;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, time};
use crate::{
    openapi::InstallationRefusals,
    web::{WebApi, actor::WebActor},
};

/// Queues.
#[derive(OpenApi)]
#[openapi(paths(list, pause, resume))]
pub(crate) struct Api;

/// A queue as it was last seen, some seconds ago.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueAnswer {
    /// Its name, such as `dispatch.firmware`.
    name: String,
    /// Since when workers take nothing from it; `null`: they do.
    #[schema(format = DateTime)]
    paused_at: Option<String>,
    /// Who paused it; empty when nobody did.
    paused_by: String,
    /// Messages that wait for a worker; `null`, as everything here that is: not known.
    ready: Option<i64>,
    /// Messages that workers have in hand. Known where the broker's management API is.
    unacked: Option<i64>,
    /// Workers that take from it.
    consumers: Option<i64>,
    /// Messages that come in a second.
    published_per_second: Option<f32>,
    /// Messages that are handed to workers a second.
    delivered_per_second: Option<f32>,
    /// Messages that wait at the broker for another try.
    retrying: Option<i64>,
    /// Messages that no worker could handle and that are kept.
    dead_letters: i64,
    /// The same, still at the broker: on their way here, or more than are kept.
    dead_at_broker: Option<i64>,
    /// When it was seen so.
    #[schema(format = DateTime)]
    sampled_at: Option<String>,
}

impl From<QueueView> for QueueAnswer {
    fn from(view: QueueView) -> Self {
        let sample = view.sample.as_ref();
        Self {
            name: view.queue.to_string(),
            paused_at: view.paused_at.map(time),
            paused_by: view.paused_by,
            ready: sample.map(|sample| sample.ready),
            unacked: sample.and_then(|sample| sample.unacked),
            consumers: sample.map(|sample| sample.consumers),
            published_per_second: sample.and_then(|sample| sample.published_per_s),
            delivered_per_second: sample.and_then(|sample| sample.delivered_per_s),
            retrying: sample.map(|sample| sample.retrying),
            dead_letters: view.dead_letters,
            dead_at_broker: sample.map(|sample| sample.dead),
            sampled_at: view.sampled_at.map(time),
        }
    }
}

/// Every queue.
#[derive(Serialize, ToSchema)]
pub(super) struct Queues {
    items: Vec<QueueAnswer>,
}

/// Lists every queue, as it was last seen.
#[utoipa::path(get, path = "/admin/v1/queues", tag = "queues", operation_id = "queues_list",
    responses((status = 200, description = "All of them", body = Queues), InstallationRefusals))]
pub(super) async fn list(State(api): State<WebApi>, WebActor(actor): WebActor) -> Answer {
    let items = api.service.queues(&actor).await?.into_iter().map(QueueAnswer::from).collect();
    Ok(Json(Queues { items }).into_response())
}

/// Has workers take nothing more from a queue. What they have in hand ends; the rest waits, and so do the commands behind it.
#[utoipa::path(post, path = "/admin/v1/queues/{name}/pause", tag = "queues", operation_id = "queues_pause",
    params(("name" = String, Path, example = "dispatch.firmware")),
    responses((status = 200, description = "It is paused", body = QueueAnswer), InstallationRefusals))]
pub(super) async fn pause(State(api): State<WebApi>, WebActor(actor): WebActor, Path(name): Path<String>) -> Answer {
    Ok(Json(QueueAnswer::from(api.service.pause_queue(&actor, &name).await?)).into_response())
}

/// Has workers take from a queue again.
#[utoipa::path(post, path = "/admin/v1/queues/{name}/resume", tag = "queues", operation_id = "queues_resume",
    params(("name" = String, Path, example = "dispatch.firmware")),
    responses((status = 200, description = "It is open", body = QueueAnswer), InstallationRefusals))]
pub(super) async fn resume(State(api): State<WebApi>, WebActor(actor): WebActor, Path(name): Path<String>) -> Answer {
    Ok(Json(QueueAnswer::from(api.service.resume_queue(&actor, &name).await?)).into_response())
}
