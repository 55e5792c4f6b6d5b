//! What every call goes through: its trace and span, its metrics, a deadline, and a net under its handler.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use drover_messages::TraceContext;
use drover_telemetry::spans::{self, SpanKind};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, Span, field};

use crate::{
    AppState, Random, admin, aep, apps,
    family::{Family, Refusal},
    health, mdm, peer,
};

/// The answer's header with the id of the call's trace: what to search the logs for.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
/// The most headers of a call, and their length together. More than any proxy adds; less than the parser would take, so
/// that the refusal is ours.
const MAX_HEADERS: usize = 100;
const MAX_HEADERS_LEN: usize = 32 << 10;

const REQUESTS: &str = "drover_http_requests_total";
const DURATION: &str = "drover_http_request_duration_seconds";

/// Runs a call, in its span. Its query is in no log: it may hold a signature.
pub(crate) async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    peer::look_behind(&mut request, state.limits.proxies);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    let span = tracing::info_span!(
        "call",
        method,
        route,
        trace_id = field::Empty,
        status = field::Empty,
        otel.kind = field::Empty
    );
    let trace = begin(&state, &span, request.headers(), method, &route);
    span.record("trace_id", trace.trace_id());
    request.extensions_mut().insert(trace);
    async move {
        let mut response = guarded(state.limits.request_timeout, &state.random, request, next).await;
        let (status, latency) = (response.status().as_u16(), began.elapsed());
        end(&Span::current(), response.status());
        tracing::debug!(latency_ms = millis(latency), "call answered");
        metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
            .increment(1);
        metrics::histogram!(DURATION, "route" => route).record(latency.as_secs_f64());
        if let Ok(trace_id) = HeaderValue::from_str(&trace.trace_id()) {
            response.headers_mut().insert(TRACE_ID, trace_id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Puts the call's span where it belongs: into the caller's trace, or at the root of a new one. The answer is under which
/// id it is known to whatever it causes.
fn begin(state: &AppState, span: &Span, headers: &HeaderMap, method: &'static str, route: &str) -> TraceContext {
    let caller = caller(headers);
    // Whoever asks every few seconds how we do is no trace's beginning.
    let parent = match caller {
        None if health::ROUTES.contains(&route) && spans::are_exported() => Some(state.new_trace()),
        caller => caller,
    };
    let exported = spans::begin(span, SpanKind::Server, parent);
    spans::name(span, || format!("{method} {route}"));
    spans::note(span, "http.request.method", method);
    spans::note(span, "http.route", route);
    exported.unwrap_or_else(|| caller.map_or_else(|| state.new_trace(), |caller| caller.child((state.random)())))
}

fn end(span: &Span, status: StatusCode) {
    span.record("status", status.as_u16());
    spans::note(span, "http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        spans::fail(span, || status.to_string());
    }
}

/// Runs the handler under a deadline, and turns a panic into an answer.
async fn guarded(request_timeout: Duration, random: &Random, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let refuse = |refusal| Family::refuse(&uri, random, refusal);
    if headers_too_large(request.headers()) {
        return refuse(Refusal::HeadersTooLarge);
    }
    // An upload takes as long as it flows; the time between its chunks is limited instead.
    let path = uri.path();
    let is_upload = request.method() == Method::POST
        && ([aep::UPLOAD, mdm::UPLOAD].contains(&path) || apps::is_upload(path) || path.starts_with(admin::IMPORTS));
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let caught = if is_upload { Ok(handler.await) } else { timeout(request_timeout, handler).await };
    match caught {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => refuse(Refusal::Panicked(panic_message(panic.as_ref()))),
        Err(_) => refuse(Refusal::TimedOut),
    }
}

/// The caller's trace, if it sent one.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get(TraceContext::HEADER)?.to_str().ok()?.parse().ok()
}

fn headers_too_large(headers: &HeaderMap) -> bool {
    let length: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() > MAX_HEADERS || length > MAX_HEADERS_LEN
}

/// The method as a label. A caller can invent methods, and each label costs memory.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use axum::{Router, middleware::from_fn, routing::get};
    use http::StatusCode;
    use tower::ServiceExt as _;

    /// Calls a router with a broken handler, and returns the status and the error body's code.
    async fn call(path: &str, header: &str) -> (StatusCode, serde_json::Value) {
        async fn panics() -> StatusCode {
            panic!("secret detail")
        }
        let router = Router::new()
            .route("/panics", get(panics))
            .route("/aep_upgrade_management/panics", get(panics))
            .route("/aep_upgrade_management/hangs", get(std::future::pending::<StatusCode>))
            .layer(from_fn(async |request: Request, next: Next| {
                let random: Random = Arc::new(|| 7);
                guarded(Duration::from_secs(30), &random, request, next).await
            }));
        let request = Request::get(path).header("x", header).body(axum::body::Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_wrong_is_answered_in_the_familys_own_body() {
        let (status, body) = call("/aep_upgrade_management/panics", "").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body, serde_json::json!({"code": 500, "msg": "Internal Error", "desc": "the server failed"}));
        let (status, body) = call("/panics", "").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["error"], "the server failed");
        let (status, body) = call("/aep_upgrade_management/hangs", "").await;
        assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &503.into()));
        let (status, body) = call("/aep_upgrade_management/hangs", &"x".repeat(MAX_HEADERS_LEN)).await;
        assert_eq!((status, &body["code"]), (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &431.into()));
    }

    #[test]
    fn invented_methods_share_a_label() {
        assert_eq!(method_label(&Method::from_bytes(b"BREW").unwrap()), "other");
        assert_eq!(method_label(&Method::PUT), "PUT");
    }
}
