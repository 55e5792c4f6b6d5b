//! X7, `GET /echo`: the gateway's clock, by which the vendor's SDKs correct their timestamps. Unsigned, as it must be.

use axum::extract::State;
use http::HeaderName;

use crate::AppState;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-ag-timestamp");

/// X7: an empty answer with the time in milliseconds in header `x-ag-timestamp`.
pub(super) async fn echo(State(state): State<AppState>) -> [(HeaderName, String); 1] {
    [(TIMESTAMP, state.now().timestamp_millis().to_string())]
}
