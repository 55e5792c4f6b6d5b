//! What became of a device's commands, and why it is not updated.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::JobId;
use drover_service::{CommandStory, DeviceReason, SeenDevice, SeenOutcome, SeenReport};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, list_from, time};
use crate::{
    dashboard::devices::explain_reason,
    openapi::Refusals,
    web::{WebApi, actor::WebActor, params::Params},
};

/// Devices and their commands.
#[derive(OpenApi)]
#[openapi(paths(standing, commands))]
pub(crate) struct Api;

/// Why a device is not updated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingAnswer {
    uuid: String,
    /// The rule that decided, such as `up_to_date`, `job_is_paused`, `not_seen_since`, `silent` or `failed`.
    code: &'static str,
    /// The reason as a sentence.
    sentence: String,
    /// What to do next; empty when there is nothing to do.
    advice: &'static str,
    /// The job that it is about.
    job_id: Option<String>,
    /// When the device was heard of last.
    #[schema(format = DateTime)]
    heard_at: Option<String>,
}

impl StandingAnswer {
    fn of(device: SeenDevice, reason: &DeviceReason) -> Self {
        let (sentence, advice) = explain_reason(reason);
        Self {
            uuid: device.uuid,
            code: reason.code(),
            sentence,
            advice,
            job_id: reason.job().map(|job| job.to_string()),
            heard_at: device.standing.heard_at.map(time),
        }
    }
}

/// A command of a device, and how it went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceCommandAnswer {
    /// The command's id, which devices and the other APIs know it by.
    id: String,
    job_id: String,
    /// `null`: the job is out of the caller's reach.
    job_name: Option<String>,
    /// `distribute`, `push` or `firmware`.
    kind: &'static str,
    state: &'static str,
    /// The present attempt, from 1.
    attempt: i16,
    version_before: String,
    version_after: String,
    /// When something is done about it, if nothing happens before.
    #[schema(format = DateTime)]
    deadline_at: Option<String>,
    /// When its channel took the present attempt.
    #[schema(format = DateTime)]
    sent_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it moved last.
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// How its attempts ended, in order; the last hundred.
    outcomes: Vec<OutcomeAnswer>,
    /// What the device said of it that moved nothing, in the order in which it came; the last hundred.
    unapplied: Vec<UnappliedAnswer>,
}

/// How an attempt ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeAnswer {
    attempt: i16,
    /// `succeeded`, `failed`, `timed_out`, `rejected`, `cancelled` or `superseded`.
    outcome: &'static str,
    /// The device's code.
    code: Option<String>,
    /// The device's words.
    message: Option<String>,
    #[schema(format = DateTime)]
    recorded_at: String,
}

/// A report that moved nothing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnappliedAnswer {
    /// The attempt that it was about.
    attempt: i16,
    /// What it said.
    status: String,
    code: Option<String>,
    message: Option<String>,
    /// Why it moved nothing: `duplicate`, `late` or `premature`.
    reason: String,
    #[schema(format = DateTime)]
    received_at: String,
}

impl From<SeenOutcome> for OutcomeAnswer {
    fn from(outcome: SeenOutcome) -> Self {
        let SeenOutcome { attempt, outcome, code, message, recorded_at, .. } = outcome;
        Self { attempt, outcome: outcome.as_str(), code, message, recorded_at: time(recorded_at) }
    }
}

impl From<SeenReport> for UnappliedAnswer {
    fn from(report: SeenReport) -> Self {
        let SeenReport { attempt, status, code, message, reason, received_at, .. } = report;
        Self { attempt, status, code, message, reason, received_at: time(received_at) }
    }
}

impl From<CommandStory> for DeviceCommandAnswer {
    fn from(story: CommandStory) -> Self {
        let CommandStory { command, outcomes, unapplied } = story;
        Self {
            id: command.id.to_string(),
            job_id: command.id.job.to_string(),
            job_name: command.job_name,
            kind: command.kind.as_str(),
            state: command.state.as_str(),
            attempt: command.attempt,
            version_before: command.version_before,
            version_after: command.version_after,
            deadline_at: command.deadline_at.map(time),
            sent_at: command.sent_at.map(time),
            created_at: time(command.created_at),
            updated_at: time(command.updated_at),
            finished_at: command.finished_at.map(time),
            outcomes: outcomes.into_iter().map(OutcomeAnswer::from).collect(),
            unapplied: unapplied.into_iter().map(UnappliedAnswer::from).collect(),
        }
    }
}

/// Says why a device is not updated: by its newest open command, or else its newest, or by that of one job.
#[utoipa::path(get, path = "/admin/v1/devices/{uuid}/standing", tag = "devices", operation_id = "devices_standing",
    params(("uuid" = String, Path, example = "d1"),
        ("jobId" = Option<i64>, Query, description = "Of this job, instead of the command that matters most")),
    responses((status = 200, description = "The reason, and the rule that decided", body = StandingAnswer), Refusals))]
pub(super) async fn standing(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(uuid): Path<String>,
    params: Params,
) -> Answer {
    let job = params.number("jobId")?.map(JobId);
    let (device, reason) = api.service.device_standing(&actor, &uuid, job).await?;
    Ok(Json(StandingAnswer::of(device, &reason)).into_response())
}

/// Lists the commands of a device, those of the newest jobs first, each with how its attempts ended and what the device said of
/// it besides.
#[utoipa::path(get, path = "/admin/v1/devices/{uuid}/commands", tag = "devices", operation_id = "devices_commands",
    params(("uuid" = String, Path, example = "d1"), Paging),
    responses((status = 200, description = "A page", body = ListAnswer<DeviceCommandAnswer>), Refusals))]
pub(super) async fn commands(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(uuid): Path<String>,
    params: Params,
) -> Answer {
    let list = api.service.device_commands(&actor, &uuid, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, DeviceCommandAnswer::from))
}
