//! D10, `GET /details`: the subtasks of a task.

use axum::extract::{Request, State};
use drover_domain::{JobId, Protocol};
use drover_service::CommandFilter;

use super::{
    Answer, Gateway, answer,
    call::Call,
    errors::AepError,
    projection,
    text::SEARCH_MAX,
    views::{List, SubtaskView},
};

/// D10: one page of a task's subtasks.
pub(super) async fn list(State(state): State<Gateway>, request: Request) -> Answer<List<SubtaskView>> {
    let declared = ["id", "productId", "taskStatus", "searchValue", "pageNow", "pageSize"];
    let call = Call::read(&state, request, &declared).await?;
    let id = JobId(call.query.id("id")?);
    let status = call.query.number("taskStatus")?;
    let search = call.query.text("searchValue", SEARCH_MAX)?.map(str::to_owned);
    let page = call.page()?;
    let product = call.product_of_query().await?;
    check_status(product.protocol, status)?;
    let cases = status.map(|code| projection::cases_of(product.protocol, code));
    let commands = state.service.commands(&product, id, CommandFilter { cases, search }, page).await?;
    Ok(answer(List::of(commands, |command| SubtaskView::of(&product, command))))
}

/// T-Link requires `taskStatus` (S); each protocol has codes of its own.
fn check_status(protocol: Protocol, status: Option<u8>) -> Result<(), AepError> {
    let codes = projection::task_states(protocol);
    match status {
        Some(code) if !codes.contains(&code) => {
            let (first, last) = codes.into_inner();
            Err(AepError::bad("taskStatus", format!("must be {first} to {last} for this product")))
        }
        None if protocol == Protocol::TLink => Err(AepError::bad("taskStatus", "is missing; T-Link requires it")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_codes() {
        for (protocol, status, fits) in [
            (Protocol::TLink, None, false),
            (Protocol::TLink, Some(0), false),
            (Protocol::TLink, Some(4), true),
            (Protocol::TLink, Some(5), false),
            (Protocol::Mqtt, None, true),
            (Protocol::Mqtt, Some(11), false),
            (Protocol::Lwm2m, None, true),
            (Protocol::Lwm2m, Some(0), true),
            (Protocol::Lwm2m, Some(11), true),
            (Protocol::Lwm2m, Some(12), false),
        ] {
            assert_eq!(check_status(protocol, status).is_ok(), fits, "{protocol:?} {status:?}");
        }
    }
}
