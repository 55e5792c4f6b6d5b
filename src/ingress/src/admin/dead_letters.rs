//! Dead letters: messages that no worker could handle. For operators who run the installation.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use drover_service::{BodyText, DeadLetter, DeadLetterFilter, Dealt};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::wire::{Answer, ListAnswer, id, list_from, number, time};
use crate::{
    openapi::InstallationRefusals,
    web::{WebApi, actor::WebActor, body::JsonBody, errors::WebError, params::Params},
};

/// The longest reason that is looked for.
const REASON_MAX_CHARS: usize = 200;

/// Dead letters.
#[derive(OpenApi)]
#[openapi(paths(list, show, replay, discard, replay_all, discard_all))]
pub(crate) struct Api;

/// Which dead letters are listed, and which page of them.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(super) struct Filter {
    /// What the reason has somewhere in it, whatever its case.
    #[param(max_length = 200)]
    reason: Option<String>,
    /// `next` of the page before; absent for the first page.
    after: Option<String>,
    /// How many, from 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A message that no worker could handle.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeadLetterAnswer {
    id: String,
    queue: String,
    /// Given by its publisher.
    message_id: Option<Uuid>,
    /// Under which a device's report came; `null` for Drover's own messages.
    routing_key: Option<String>,
    /// Why no worker could handle it.
    reason: String,
    /// How often it was tried again through the broker.
    broker_attempt: i32,
    /// The W3C traceparent; empty when there is none.
    trace_context: String,
    /// The job that it is about, where its body tells.
    job_id: Option<String>,
    #[schema(format = DateTime)]
    received_at: String,
    body_bytes: i32,
}

impl From<DeadLetter> for DeadLetterAnswer {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            queue: letter.queue,
            message_id: letter.message_id,
            routing_key: letter.routing_key,
            reason: letter.reason,
            broker_attempt: letter.broker_attempt,
            trace_context: letter.trace_context,
            job_id: letter.job.map(|job| job.to_string()),
            received_at: time(letter.received_at),
            body_bytes: letter.body_bytes,
        }
    }
}

/// The same with its body.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeDeadLetter {
    #[serde(flatten)]
    letter: DeadLetterAnswer,
    /// How `body` is to be read: `json`, `text`, or `hex` for the beginning of what is neither.
    body_format: String,
    body: String,
}

/// Which dead letters of a queue are dealt with.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Which {
    /// What the reason has somewhere in it, whatever its case; all when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    reason: String,
    /// None that came after the one of this id.
    up_to: Option<String>,
}

impl Which {
    fn filter(self) -> Result<DeadLetterFilter, WebError> {
        let up_to = self.up_to.map(|text| number("upTo", &text)).transpose()?;
        Ok(DeadLetterFilter { reason: self.reason, up_to })
    }
}

/// How many were dealt with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DealtAnswer {
    dead_letters: u64,
}

fn dealt(dealt: Dealt) -> Response {
    Json(DealtAnswer { dead_letters: dealt.letters }).into_response()
}

/// Lists the dead letters of a queue, newest first, without their bodies. With a reason a page looks at some thousand of them,
/// so it may be short, or empty, and still have a next one.
#[utoipa::path(get, path = "/admin/v1/queues/{name}/dead-letters", tag = "dead letters", operation_id = "dead_letters_list",
    params(("name" = String, Path, example = "reports"), Filter),
    responses((status = 200, description = "A page", body = ListAnswer<DeadLetterAnswer>), InstallationRefusals))]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    path: Path<String>,
    params: Params,
) -> Answer {
    let reason = params.text("reason", REASON_MAX_CHARS)?.unwrap_or_default();
    let list = api.service.dead_letters(&actor, Some(&path.0), reason, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, DeadLetterAnswer::from))
}

/// Shows a dead letter with its body.
#[utoipa::path(get, path = "/admin/v1/dead-letters/{id}", tag = "dead letters", operation_id = "dead_letters_show",
    params(("id" = i64, Path, example = 7)),
    responses((status = 200, description = "The letter", body = WholeDeadLetter), InstallationRefusals))]
pub(super) async fn show(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    let letter = api.service.dead_letter(&actor, id("dead letter", &path)?).await?;
    let body = BodyText::of(&letter.body);
    let (body_format, body) = (body.format().to_owned(), body.text().to_owned());
    Ok(Json(WholeDeadLetter { letter: letter.into(), body_format, body }).into_response())
}

/// Sends a dead letter again, as if it came for the first time.
#[utoipa::path(post, path = "/admin/v1/dead-letters/{id}/replay", tag = "dead letters",
    operation_id = "dead_letters_replay", params(("id" = i64, Path, example = 7)),
    responses((status = 200, description = "It is on its way", body = DealtAnswer), InstallationRefusals))]
pub(super) async fn replay(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    Ok(dealt(api.service.replay_dead_letter(&actor, id("dead letter", &path)?).await?))
}

/// Throws a dead letter away.
#[utoipa::path(post, path = "/admin/v1/dead-letters/{id}/discard", tag = "dead letters",
    operation_id = "dead_letters_discard", params(("id" = i64, Path, example = 7)),
    responses((status = 200, description = "It is gone", body = DealtAnswer), InstallationRefusals))]
pub(super) async fn discard(State(api): State<WebApi>, WebActor(actor): WebActor, path: Path<String>) -> Answer {
    Ok(dealt(api.service.discard_dead_letter(&actor, id("dead letter", &path)?).await?))
}

/// Sends every dead letter of a queue again that matches: all of them, or none when the call fails.
#[utoipa::path(post, path = "/admin/v1/queues/{name}/dead-letters/replay", tag = "dead letters",
    operation_id = "dead_letters_replay_all", params(("name" = String, Path, example = "reports")), request_body = Which,
    responses((status = 200, description = "They are on their way", body = DealtAnswer), InstallationRefusals))]
pub(super) async fn replay_all(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(name): Path<String>,
    JsonBody(which): JsonBody<Which>,
) -> Answer {
    Ok(dealt(api.service.replay_dead_letters(&actor, &name, &which.filter()?).await?))
}

/// Throws every dead letter of a queue away that matches: all of them, or none when the call fails.
#[utoipa::path(post, path = "/admin/v1/queues/{name}/dead-letters/discard", tag = "dead letters",
    operation_id = "dead_letters_discard_all", params(("name" = String, Path, example = "reports")), request_body = Which,
    responses((status = 200, description = "They are gone", body = DealtAnswer), InstallationRefusals))]
pub(super) async fn discard_all(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(name): Path<String>,
    JsonBody(which): JsonBody<Which>,
) -> Answer {
    Ok(dealt(api.service.discard_dead_letters(&actor, &name, &which.filter()?).await?))
}
