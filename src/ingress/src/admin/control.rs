//! What is done to whole jobs: see docs/control.md.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_domain::{CommandState, JobId};
use drover_service::{JobStanding, RetryFilter};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, given, id};
use crate::{
    openapi::WriteRefusals,
    web::{WebApi, actor::WebActor, body::JsonBody, errors::WebError},
};

/// What is done to jobs.
#[derive(OpenApi)]
#[openapi(paths(pause, resume, cancel, retry))]
pub(crate) struct Api;

/// How a job stands after something was done to it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingView {
    id: String,
    /// `publish`, `distribute`, `push` or `firmware`.
    kind: &'static str,
    /// Where it stands now: `running`, `paused`, `cancelled`.
    state: &'static str,
    /// How many devices it affected, as far as was known.
    devices: i64,
}

impl From<JobStanding> for StandingView {
    fn from(standing: JobStanding) -> Self {
        Self {
            id: standing.job.to_string(),
            kind: standing.kind.as_str(),
            state: standing.state.as_str(),
            devices: standing.devices,
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndedWord {
    /// Its device failed.
    Failed,
    /// Its device did not answer in time.
    TimedOut,
    /// It was stopped.
    Cancelled,
}

impl From<EndedWord> for CommandState {
    fn from(word: EndedWord) -> Self {
        match word {
            EndedWord::Failed => Self::Failed,
            EndedWord::TimedOut => Self::TimedOut,
            EndedWord::Cancelled => Self::Cancelled,
        }
    }
}

/// What of a job is to be tried again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewRetry {
    /// Commands that ended like this; those that failed or timed out when absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_items = 1)]
    states: Option<Vec<EndedWord>>,
    /// Of these, those whose last attempt ended with this code of the device's; whatever it was when absent.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 128, example = "101")]
    code: Option<String>,
}

impl From<NewRetry> for RetryFilter {
    fn from(new: NewRetry) -> Self {
        let states = new.states.map(|states| states.into_iter().map(CommandState::from).collect());
        Self { states: states.unwrap_or_else(|| Self::default().states), code: new.code }
    }
}

/// Pauses a job: nothing more of it goes out until it is resumed.
#[utoipa::path(post, path = "/admin/v1/jobs/{id}/pause", tag = "jobs", operation_id = "jobs_pause",
    params(("id" = i64, Path, example = 3001)),
    responses((status = 200, description = "It is paused", body = StandingView), WriteRefusals))]
pub(super) async fn pause(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    shown(api.service.pause_job(&actor, job(&path)?).await?)
}

/// Resumes a job that was paused: what waits goes out at once.
#[utoipa::path(post, path = "/admin/v1/jobs/{id}/resume", tag = "jobs", operation_id = "jobs_resume",
    params(("id" = i64, Path, example = 3001)),
    responses((status = 200, description = "It goes on", body = StandingView), WriteRefusals))]
pub(super) async fn resume(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    shown(api.service.resume_job(&actor, job(&path)?).await?)
}

/// Cancels a job for good. What no device has ends; what devices have is left alone or asked to stop, by the job's kind.
#[utoipa::path(post, path = "/admin/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "jobs_cancel",
    params(("id" = i64, Path, example = 3001)),
    responses((status = 200, description = "It is cancelled; its commands end one after the other", body = StandingView),
        WriteRefusals))]
pub(super) async fn cancel(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    shown(api.service.cancel_job(&actor, job(&path)?).await?)
}

/// Tries again what failed in a job. A completed job runs again.
#[utoipa::path(post, path = "/admin/v1/jobs/{id}/retry", tag = "jobs", operation_id = "jobs_retry",
    params(("id" = i64, Path, example = 3001)), request_body = NewRetry,
    responses((status = 200, description = "They are tried again, one after the other", body = StandingView),
        WriteRefusals))]
pub(super) async fn retry(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    path: Path<String>,
    JsonBody(new): JsonBody<NewRetry>,
) -> Answer {
    shown(api.service.retry_failed(&actor, job(&path)?, &new.into()).await?)
}

fn job(path: &Path<String>) -> Result<JobId, WebError> {
    id("job", path).map(JobId)
}

#[allow(clippy::unnecessary_wraps)] // as every handler answers
fn shown(standing: JobStanding) -> Answer {
    Ok(Json(StandingView::from(standing)).into_response())
}
