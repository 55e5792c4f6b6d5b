//! Jobs, as those see them who watch.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_service::JobSummary;
use utoipa::OpenApi;

use super::{
    job_views::{CommandView, JobDetailView, JobView},
    wire::{Answer, ListAnswer, Paging, list_from},
};
use crate::{
    openapi::Refusals,
    web::{WebApi, actor::WebActor, commands_csv, job_search, params::Params},
};

/// Jobs.
#[derive(OpenApi)]
#[openapi(paths(list, show, commands, commands_csv))]
pub(crate) struct Api;

/// Lists the jobs within the caller's reach, newest first. A page looks at a bounded number of jobs, so that it may be empty
/// while there are more: go on until `next` is `null`.
#[utoipa::path(get, path = "/admin/v1/jobs", tag = "jobs", operation_id = "jobs_list",
    params(Paging,
        ("kind" = Option<String>, Query, description = "Only those that do this: `publish`, `distribute`, `push` or `firmware`"),
        ("state" = Option<String>, Query, description = "Only those that stand here: `draft`, `scheduled`, `running`, `paused`, `completed`, `cancelled` or `aborted`"),
        ("tenant" = Option<String>, Query, description = "Only those of the tenant of this name; for callers who run the installation"),
        ("text" = Option<String>, Query, description = "Only those whose name contains this, and the one whose number it is")),
    responses((status = 200, description = "A page", body = ListAnswer<JobView>),
        (status = 403, description = "This is for operators who run the installation", body = crate::web::errors::ErrorBody), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebActor(actor): WebActor, params: Params) -> Answer {
    let search = job_search::jobs(&api.service, &actor, &params).await?;
    let list = api.service.list_jobs(&actor, &search, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, |job: JobSummary| JobView::from(&job)))
}

/// Shows a job: how far it is and how fast it goes, whom it is for, why attempts did not succeed, and how it went.
#[utoipa::path(get, path = "/admin/v1/jobs/{id}", tag = "jobs", operation_id = "jobs_show",
    params(("id" = i64, Path, example = 3001)),
    responses((status = 200, description = "The job", body = JobDetailView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebActor(actor): WebActor, Path(id): Path<String>) -> Answer {
    let job = api.service.job_detail(&actor, job_search::job_id(&id)?).await?;
    Ok(Json(JobDetailView::from(&job)).into_response())
}

/// Lists the commands of a job, by device; those found by a text by the uuids of their devices. A page looks at a bounded number
/// of commands, so that it may be empty while there are more: go on until `next` is `null`.
#[utoipa::path(get, path = "/admin/v1/jobs/{id}/commands", tag = "jobs", operation_id = "jobs_commands",
    params(("id" = i64, Path, example = 3001), Paging,
        ("state" = Option<String>, Query, description = "Only those that stand here; several with commas between them"),
        ("outcome" = Option<String>, Query, description = "Only those whose last ended attempt ended so: `failed`, `timed_out`, `rejected`, `cancelled` or `superseded`"),
        ("code" = Option<String>, Query, description = "Only those whose last ended attempt did not succeed and had this code"),
        ("withoutCode" = Option<bool>, Query, description = "Only those whose last ended attempt did not succeed and had no code"),
        ("text" = Option<String>, Query, description = "Only those of devices whose uuid begins so, or whose serial number or IMEI this is")),
    responses((status = 200, description = "A page", body = ListAnswer<CommandView>), Refusals))]
pub(super) async fn commands(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let (job, search) = (job_search::job_id(&id)?, job_search::commands(&params)?);
    let list = api.service.list_commands(&actor, job, &search, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, |command| CommandView::from(&command)))
}

/// The same commands as a file: UTF-8, comma, quoted by RFC 4180, one line a command. A text that a spreadsheet would take for a
/// formula begins with an apostrophe.
#[utoipa::path(get, path = "/admin/v1/jobs/{id}/commands.csv", tag = "jobs", operation_id = "jobs_commands_csv",
    params(("id" = i64, Path, example = 3001),
        ("state" = Option<String>, Query, description = "As for the list"),
        ("outcome" = Option<String>, Query, description = "As for the list"),
        ("code" = Option<String>, Query, description = "As for the list"),
        ("withoutCode" = Option<bool>, Query, description = "As for the list"),
        ("text" = Option<String>, Query, description = "As for the list")),
    responses((status = 200, description = "The commands", content_type = "text/csv", body = String), Refusals))]
pub(super) async fn commands_csv(
    State(api): State<WebApi>,
    WebActor(actor): WebActor,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let (job, search) = (job_search::job_id(&id)?, job_search::commands(&params)?);
    Ok(commands_csv::answer(&api.service, &actor, job, search).await?)
}
