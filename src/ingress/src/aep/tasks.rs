//! The tasks: D1 `GET /detail`, D2 `GET /task`, D5 `DELETE /task`, D6 `GET /tasks`, D7 `PUT /task`, D8 `POST /task`.

use axum::extract::{Request, State};
use drover_domain::{FirmwareId, JobId, Protocol};
use drover_service::{FirmwareJob, JobChange, NewFirmwareJob};
use serde_json::Value;

use super::{
    Answer, Gateway, answer,
    call::Call,
    errors::AepError,
    text,
    text::{DESCRIPTION_MAX, NAME_MAX, OPERATOR_MAX, SEARCH_MAX},
    views::{CreatedTask, List, SUCCESS, TaskView},
    wire,
    wire::TaskBody,
};

const SECONDS_PER_HOUR: i32 = 3600;

/// D1: a task and how many devices it has.
pub(super) async fn detail(State(state): State<Gateway>, request: Request) -> Answer<TaskView> {
    let job = find(&state, request).await?;
    let link = state.service.firmware_link(&job.firmware);
    Ok(answer(TaskView::detail(job, link, state.now())))
}

/// D2: a task with its product.
pub(super) async fn task(State(state): State<Gateway>, request: Request) -> Answer<TaskView> {
    let job = find(&state, request).await?;
    let link = state.service.firmware_link(&job.firmware);
    Ok(answer(TaskView::task(job, link, state.now())))
}

/// D6: one page of a product's tasks, newest first.
pub(super) async fn list(State(state): State<Gateway>, request: Request) -> Answer<List<TaskView>> {
    let call = Call::read(&state, request, &["productId", "pageNow", "pageSize", "searchValue"]).await?;
    let page = call.page()?;
    let search = call.query.text("searchValue", SEARCH_MAX)?;
    let product = call.product_of_query().await?;
    let jobs = state.service.jobs(&product, search, page).await?;
    Ok(answer(List::of(jobs, |job| {
        let link = state.service.firmware_link(&job.firmware);
        TaskView::listed(job, link, state.now())
    })))
}

/// D8: makes a task; nothing happens before it is started.
pub(super) async fn create(State(state): State<Gateway>, request: Request) -> Answer<CreatedTask> {
    let call = Call::read(&state, request, &[]).await?;
    let body: TaskBody = call.json()?;
    let firmware = FirmwareId(wire::id("firmwareId", body.firmware_id)?);
    let product_id = wire::id("productId", body.product_id)?;
    let name = text::required("jobName", body.job_name, NAME_MAX)?;
    let description = text::optional("jobDesc", body.job_desc, DESCRIPTION_MAX)?.unwrap_or_default();
    let created_by = text::optional("createBy", body.create_by, OPERATOR_MAX)?.unwrap_or_default();
    let product = call.product(product_id).await?;
    let Effort { retry_limit, attempt_timeout_s } =
        effort(product.protocol, body.retry_times.as_ref(), body.out_time.as_ref())?;
    match product.protocol {
        Protocol::Lwm2m if retry_limit.is_none() => Err(AepError::bad("retryTimes", "is missing; LwM2M requires it")),
        Protocol::TLink if attempt_timeout_s.is_none() => {
            Err(AepError::bad("outTime", "is missing; T-Link requires it"))
        }
        _ => Ok(()),
    }?;
    // outTime is all the time a T-Link task has: it ends what never reached its device too.
    let job_timeout_s = attempt_timeout_s;
    let new = NewFirmwareJob { firmware, name, description, created_by, retry_limit, attempt_timeout_s, job_timeout_s };
    let job = state.service.create_firmware_job(&product, new, call.trace).await?;
    Ok(answer(CreatedTask::of(job)))
}

/// D7: changes a task that has not started; what is not sent stays.
pub(super) async fn change(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read(&state, request, &["id"]).await?;
    let id = JobId(call.query.id("id")?);
    let body: TaskBody = call.json()?;
    let product_id = wire::id("productId", body.product_id)?;
    let name = body.job_name.map(|name| text::required("jobName", Some(name), NAME_MAX)).transpose()?;
    let description = text::replacement("jobDesc", body.job_desc, DESCRIPTION_MAX)?;
    let updated_by = text::optional("updateBy", body.update_by, OPERATOR_MAX)?;
    let product = call.product(product_id).await?;
    let Effort { retry_limit, attempt_timeout_s } =
        effort(product.protocol, body.retry_times.as_ref(), body.out_time.as_ref())?;
    let job_timeout_s = attempt_timeout_s;
    let change = JobChange { name, description, updated_by, retry_limit, attempt_timeout_s, job_timeout_s };
    state.service.change_job(&product, id, change).await?;
    Ok(answer(SUCCESS))
}

/// D5: deletes a task that is not under way.
pub(super) async fn delete(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read(&state, request, &["id", "productId", "updateBy"]).await?;
    let id = JobId(call.query.id("id")?);
    let updated_by = call.query.text("updateBy", OPERATOR_MAX)?;
    let product = call.product_of_query().await?;
    state.service.delete_job(&product, id, updated_by).await?;
    Ok(answer(SUCCESS))
}

/// The task that `id` and `productId` of the query name.
async fn find(state: &Gateway, request: Request) -> Result<FirmwareJob, AepError> {
    let call = Call::read(state, request, &["id", "productId"]).await?;
    let id = JobId(call.query.id("id")?);
    let product = call.product_of_query().await?;
    Ok(state.service.job(&product, id).await?)
}

/// How hard and how long a task tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effort {
    retry_limit: Option<i16>,
    attempt_timeout_s: Option<i32>,
}

/// LwM2M has `retryTimes`, T-Link has `outTime` (S); what a protocol does not have is ignored, whatever it is.
fn effort(protocol: Protocol, retry_times: Option<&Value>, out_time: Option<&Value>) -> Result<Effort, AepError> {
    let mut effort = Effort { retry_limit: None, attempt_timeout_s: None };
    match protocol {
        Protocol::Lwm2m => {
            if let Some(times) = wire::kept_number("retryTimes", retry_times)? {
                let limit = i16::try_from(times).ok().filter(|times| (0..=3).contains(times));
                effort.retry_limit = Some(limit.ok_or_else(|| AepError::bad("retryTimes", "must be 0 to 3"))?);
            }
        }
        Protocol::TLink => {
            if let Some(hours) = wire::kept_number("outTime", out_time)? {
                let hours = i32::try_from(hours).ok().filter(|hours| (1..=168).contains(hours));
                let hours = hours.ok_or_else(|| AepError::bad("outTime", "must be 1 to 168 hours"))?;
                effort.attempt_timeout_s = Some(hours * SECONDS_PER_HOUR);
            }
        }
        Protocol::Mqtt => {}
    }
    Ok(effort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_protocol_has_its_own_limits_and_ignores_the_others() {
        let of = |protocol, retry: Value, out: Value| {
            effort(protocol, Some(&retry), Some(&out)).map(|effort| (effort.retry_limit, effort.attempt_timeout_s)).ok()
        };
        for times in 0..=3 {
            let limit = i16::try_from(times).ok();
            assert_eq!(of(Protocol::Lwm2m, json!(times), json!("n/a")), Some((limit, None)));
        }
        for times in [json!(-1), json!(4), json!(i64::MAX), json!(1.5), json!("n/a"), json!([1])] {
            assert_eq!(of(Protocol::Lwm2m, times, json!(1)), None);
        }
        assert_eq!(of(Protocol::TLink, json!({"a": 1}), json!(1)), Some((None, Some(3600))));
        assert_eq!(of(Protocol::TLink, json!("n/a"), json!("168")), Some((None, Some(604_800))));
        assert_eq!(of(Protocol::TLink, json!(99), json!(2.0)), Some((None, Some(7200))));
        for hours in [json!(0), json!(-1), json!(169), json!(i64::MIN), json!("n/a"), json!(false)] {
            assert_eq!(of(Protocol::TLink, json!(1), hours), None);
        }
        assert_eq!(of(Protocol::Mqtt, json!("n/a"), json!([])), Some((None, None)));
        assert_eq!(of(Protocol::Lwm2m, json!(""), json!("")), Some((None, None)));
    }
}
