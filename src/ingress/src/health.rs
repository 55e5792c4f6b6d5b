//! How the process does: `/healthz`, `/readyz`, `/metrics`.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{AppState, family::problem};

/// The content type of Prometheus' text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where others ask how the process does.
pub(crate) const ROUTES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The routes that every process answers.
pub(crate) fn router() -> Router<AppState> {
    let [live_at, ready_at, metrics_at] = ROUTES;
    Router::new().route(live_at, get(live)).route(ready_at, get(ready)).route(metrics_at, get(metrics))
}

/// `GET /healthz`: the process lives. Nothing else is looked at: restarting it would not bring a database back.
async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when every dependency answers, else 503; the body names each and what is wrong with it.
async fn ready(State(state): State<AppState>) -> Response {
    let known = state.service.ready().await.into_iter().map(|dependency| (dependency.name, dependency.problem));
    report(known.chain([("broker", (state.broker)())]))
}

fn report(dependencies: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Response {
    let mut all_ready = true;
    let mut named = Map::new();
    for (name, problem) in dependencies {
        all_ready &= problem.is_none();
        named.insert(name.to_owned(), problem.map_or_else(|| Value::from("ok"), Value::from));
    }
    let status = if all_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": all_ready, "dependencies": named }))).into_response()
}

/// `GET /metrics`: the process's metrics.
async fn metrics(State(state): State<AppState>) -> Response {
    match &state.metrics {
        Some(handle) => ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], handle.render()).into_response(),
        None => problem(StatusCode::NOT_FOUND, "this process records no metrics"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_missing_dependency_is_named() {
        let response = report([("database", None), ("broker", Some("connection refused".into()))]);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let expected = json!({"ready": false, "dependencies": {"database": "ok", "broker": "connection refused"}});
        assert_eq!(body(response).await, expected);
        assert_eq!(report([("database", None)]).status(), StatusCode::OK);
    }
}
