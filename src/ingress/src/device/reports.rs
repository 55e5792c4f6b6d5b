//! `POST /device/v1/reports`: what the device says, one report or many.

use axum::{
    Json,
    extract::{Request, State},
};
use drover_messages::{DeviceReport, ReportResult, ReportResults};
use drover_service::{Reason, Recorded};

use super::{DeviceApi, MAX_BODY_BYTES, auth::Caller, errors::DeviceError};
use crate::body;

/// Records all reports of a body in one transaction, or none of them. The answer is given after the commit.
pub(super) async fn record(
    State(api): State<DeviceApi>,
    Caller(device): Caller,
    request: Request,
) -> Result<Json<ReportResults>, DeviceError> {
    let body = body::read(request.into_body(), MAX_BODY_BYTES, &api.bodies).await?;
    let reports = DeviceReport::from_body(&body, device.uuid.as_str())?;
    let recorded = api.service.record_reports(&reports).await?;
    Ok(Json(ReportResults { results: recorded.into_iter().map(result).collect() }))
}

const fn result(recorded: Recorded) -> ReportResult {
    match recorded {
        Recorded::Applied => ReportResult::Applied,
        Recorded::Stale => ReportResult::Stale,
        Recorded::Unknown => ReportResult::Unknown,
        Recorded::Kept(Reason::Duplicate) => ReportResult::Duplicate,
        Recorded::Kept(Reason::Late) => ReportResult::Late,
        Recorded::Kept(Reason::Premature) => ReportResult::Premature,
    }
}
