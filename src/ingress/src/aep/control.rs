//! D3, `PUT /control`: start a task.

use axum::extract::{Request, State};
use drover_domain::JobId;

use super::{Answer, Gateway, answer, call::Call, errors::AepError, views::SUCCESS, wire, wire::ControlBody};

/// The one value of `runStatus`: start at once.
const START_NOW: i64 = 2;

/// D3: starts a task.
pub(super) async fn control(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read(&state, request, &["id"]).await?;
    let id = JobId(call.query.id("id")?);
    let body: ControlBody = call.json()?;
    let product_id = wire::id("productId", body.product_id)?;
    match body.run_status {
        Some(START_NOW) => {}
        Some(_) => return Err(AepError::bad("runStatus", "must be 2, start at once")),
        None => return Err(AepError::bad("runStatus", "is missing")),
    }
    let product = call.product(product_id).await?;
    state.service.start_job(&product, id, None).await?;
    Ok(answer(SUCCESS))
}
