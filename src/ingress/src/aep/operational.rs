//! D9, `POST /operational`: devices join a task, subtasks are cancelled or tried again.

use std::collections::HashSet;

use axum::extract::{Request, State};
use drover_domain::{CommandId, DeviceUuid, JobId, Protocol};
use drover_service::{CancelMode, Join, ServiceError};

use super::{
    Answer, Gateway, answer, call::Call, errors::AepError, text, text::OPERATOR_MAX, views::SUCCESS, wire,
    wire::OperationalBody,
};

/// The most devices or subtasks in one call.
const MAX_IDS: usize = 100_000;
/// Stands for every device of the product that can join. Our extension: the document knows lists only.
const EVERYONE: &str = "*";

const DEVICE_ID_LIST: &str = "deviceIdList";
const DEVICE_INFO_LIST: &str = "deviceInfoList";
const TASK_ID_LIST: &str = "taskIdList";

/// D9: join, cancel or retry.
pub(super) async fn operate(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read_list(&state, request, &[]).await?;
    let body: OperationalBody = call.json()?;
    let job = JobId(wire::id("jobId", body.job_id)?);
    let product_id = wire::id("productId", body.product_id)?;
    let by = text::required("createBy", body.create_by.clone(), OPERATOR_MAX)?;
    let operation = body.operational.ok_or_else(|| AepError::bad("operational", "is missing"))?;
    let product = call.product(product_id).await?;
    match (operation, product.protocol) {
        (1, protocol) => {
            let (field, who) = devices(protocol, body)?;
            let joined = state.service.join_devices(&product, job, who, &by).await;
            joined.map_err(|error| in_words_of(field, error))?;
        }
        (2, _) => {
            let commands = commands(job, body.task_id_list)?;
            state.service.cancel_commands(&product, job, &commands, CancelMode::Soft, &by).await?;
        }
        (3, Protocol::Lwm2m) => {
            let commands = commands(job, body.task_id_list)?;
            state.service.retry_commands(&product, job, &commands, &by).await?;
        }
        (3, _) => return Err(AepError::bad("operational", "3, retry, is for LwM2M products only")),
        _ => return Err(AepError::bad("operational", "must be 1, join, 2, cancel, or 3, retry")),
    }
    Ok(answer(SUCCESS))
}

/// The service speaks of devices; the caller knows the list it sent.
fn in_words_of(list: &'static str, error: ServiceError) -> AepError {
    match error {
        ServiceError::Invalid { reason, .. } => AepError::bad(list, reason),
        other => other.into(),
    }
}

/// Who joins, and in which field it was said. The document gives each protocol a list of its own; either is taken, and
/// the protocol's own wins.
fn devices(protocol: Protocol, body: OperationalBody) -> Result<(&'static str, Join), AepError> {
    let text_list = body.device_id_list.filter(|list| !list.trim().is_empty());
    let info_list = body.device_info_list.filter(|list| !list.is_empty());
    let own = if protocol == Protocol::Lwm2m { DEVICE_INFO_LIST } else { DEVICE_ID_LIST };
    let from_text = |list: String| list.split(',').map(|id| Some(id.to_owned())).collect();
    let (field, ids): (_, Vec<Option<String>>) = match (text_list, info_list) {
        (Some(list), None) => (DEVICE_ID_LIST, from_text(list)),
        (Some(list), Some(_)) if own == DEVICE_ID_LIST => (DEVICE_ID_LIST, from_text(list)),
        (_, Some(list)) => (DEVICE_INFO_LIST, list.into_iter().map(|info| info.device_id).collect()),
        (None, None) => return Err(AepError::bad(own, "is missing or empty")),
    };
    if ids.len() > MAX_IDS {
        return Err(AepError::bad(field, format!("names more than {MAX_IDS} devices")));
    }
    let mut seen = HashSet::with_capacity(ids.len());
    let mut distinct = Vec::with_capacity(ids.len());
    let alone = ids.len() == 1;
    for (at, id) in ids.into_iter().enumerate() {
        let id = id.unwrap_or_default();
        let id = id.trim();
        if id == EVERYONE && alone {
            return Ok((field, Join::Everyone));
        }
        let id = DeviceUuid::parse(id)
            .map_err(|error| AepError::bad(field, format!("entry {} ({id:?}): {error}", at + 1)))?;
        if seen.insert(id.clone()) {
            distinct.push(id.as_str().to_owned());
        }
    }
    Ok((field, Join::Devices(distinct)))
}

/// The subtasks of a list, each once. A number that is no subtask of this task does not exist for the caller.
fn commands(job: JobId, list: Option<String>) -> Result<Vec<CommandId>, AepError> {
    let list = list.filter(|list| !list.trim().is_empty());
    let list = list.ok_or_else(|| AepError::bad(TASK_ID_LIST, "is missing or empty"))?;
    let mut commands = Vec::new();
    for (at, id) in list.split(',').enumerate() {
        if at == MAX_IDS {
            return Err(AepError::bad(TASK_ID_LIST, format!("names more than {MAX_IDS} subtasks")));
        }
        let number: i64 = id
            .trim()
            .parse()
            .map_err(|_| AepError::bad(TASK_ID_LIST, format!("entry {} ({id:?}) is not a number", at + 1)))?;
        let command = CommandId::from_i64(number).filter(|command| command.job == job);
        commands
            .push(command.ok_or_else(|| AepError::NotFound(format!("subtask {number} does not exist in job {job}")))?);
    }
    commands.sort_unstable();
    commands.dedup();
    Ok(commands)
}

#[cfg(test)]
mod tests;
