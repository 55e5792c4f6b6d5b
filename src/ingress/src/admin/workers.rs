//! Workers: the processes of the installation. For operators who run it.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_service::{Condition, WorkerView};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::wire::{Answer, time};
use crate::{
    openapi::InstallationRefusals,
    web::{WebApi, actor::WebActor, errors::WebError},
};

/// Workers.
#[derive(OpenApi)]
#[openapi(paths(list, drain, resume))]
pub(crate) struct Api;

/// How a process stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConditionWord {
    /// It takes work.
    Working,
    /// It takes no more and has some in hand.
    Draining,
    /// It takes none and has none.
    Drained,
    /// It was not heard of for fifteen seconds.
    Gone,
}

impl From<Condition> for ConditionWord {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Working => Self::Working,
            Condition::Draining => Self::Draining,
            Condition::Drained => Self::Drained,
            Condition::Gone => Self::Gone,
        }
    }
}

/// A process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkerAnswer {
    id: Uuid,
    /// The machine it runs on.
    host: String,
    version: String,
    /// What it does.
    roles: Vec<String>,
    condition: ConditionWord,
    /// Whether the broker is inside it: nothing at all is sent while it takes no work.
    holds_broker: bool,
    /// Messages that it has in hand.
    in_flight: i64,
    /// Messages that it handles a second.
    handled_per_second: f32,
    #[schema(format = DateTime)]
    started_at: String,
    /// When it was last heard of.
    #[schema(format = DateTime)]
    beat_at: String,
    /// Since when it is to take no work.
    #[schema(format = DateTime)]
    drain_asked_at: Option<String>,
    /// Since when it has none in hand.
    #[schema(format = DateTime)]
    drained_at: Option<String>,
}

impl From<WorkerView> for WorkerAnswer {
    fn from(view: WorkerView) -> Self {
        let WorkerView { worker, condition } = view;
        Self {
            id: worker.id,
            host: worker.host,
            version: worker.version,
            roles: worker.roles.split(',').map(str::to_owned).collect(),
            condition: condition.into(),
            holds_broker: worker.holds_broker,
            in_flight: worker.in_flight,
            handled_per_second: worker.handled_per_s,
            started_at: time(worker.started_at),
            beat_at: time(worker.beat_at),
            drain_asked_at: worker.drain_asked_at.map(time),
            drained_at: worker.drained_at.map(time),
        }
    }
}

/// Every process that was heard of within a day and did not end well since.
#[derive(Serialize, ToSchema)]
pub(super) struct Workers {
    items: Vec<WorkerAnswer>,
}

fn worker(text: &str) -> Result<Uuid, WebError> {
    text.parse().map_err(|_| WebError::NotFound(format!("worker {text} does not exist")))
}

/// Lists the processes, by their start.
#[utoipa::path(get, path = "/admin/v1/workers", tag = "workers", operation_id = "workers_list",
    responses((status = 200, description = "All of them", body = Workers), InstallationRefusals))]
pub(super) async fn list(State(api): State<WebApi>, WebActor(actor): WebActor) -> Answer {
    let items = api.service.workers(&actor).await?.into_iter().map(WorkerAnswer::from).collect();
    Ok(Json(Workers { items }).into_response())
}

/// Asks a process to take no more work. What it has in hand ends; it goes on to answer HTTP.
#[utoipa::path(post, path = "/admin/v1/workers/{id}/drain", tag = "workers", operation_id = "workers_drain",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is asked", body = WorkerAnswer), InstallationRefusals))]
pub(super) async fn drain(State(api): State<WebApi>, WebActor(actor): WebActor, Path(id): Path<String>) -> Answer {
    Ok(Json(WorkerAnswer::from(api.service.drain_worker(&actor, worker(&id)?).await?)).into_response())
}

/// Asks a process to take work again.
#[utoipa::path(post, path = "/admin/v1/workers/{id}/resume", tag = "workers", operation_id = "workers_resume",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is asked", body = WorkerAnswer), InstallationRefusals))]
pub(super) async fn resume(State(api): State<WebApi>, WebActor(actor): WebActor, Path(id): Path<String>) -> Answer {
    Ok(Json(WorkerAnswer::from(api.service.resume_worker(&actor, worker(&id)?).await?)).into_response())
}
