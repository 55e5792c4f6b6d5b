//! Downloads of firmware files, under links that the service signed (X4).

mod conditions;
mod disposition;

use axum::{
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use drover_domain::FirmwareId;
use drover_service::ServiceError;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use crate::{AppState, body, family::problem};
use conditions::{Selected, Tags};

/// The address of a firmware file. The name is for people and for devices that look at a suffix; the id says which.
pub(crate) const FIRMWARE: &str = "/files/firmware/{id}/{name}";

/// The signed part of a link.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    expires: String,
    #[serde(default)]
    signature: String,
}

/// `GET` and `HEAD` of a firmware file, whole or one range of it. Several ranges are answered with the whole file, as
/// RFC 9110 (14.2) allows: no device needs them, and they are a known way to exhaust a server.
pub(crate) async fn firmware(
    State(state): State<AppState>,
    method: Method,
    path: Result<Path<(i64, String)>, axum::extract::rejection::PathRejection>,
    link: Result<Query<Link>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let (Ok(Path((id, _))), Ok(Query(link))) = (path, link) else {
        return problem(StatusCode::NOT_FOUND, "there is no such file");
    };
    let served = serve(&state, &method, FirmwareId(id), &link, &headers).await;
    served.unwrap_or_else(|error| refused(&error))
}

async fn serve(
    state: &AppState,
    method: &Method,
    id: FirmwareId,
    link: &Link,
    headers: &HeaderMap,
) -> Result<Response, ServiceError> {
    let download = state.service.open_download(id, &link.expires, &link.signature).await?;
    let firmware = &download.firmware;
    let size = u64::try_from(firmware.size_bytes).map_err(|error| ServiceError::Internal(Box::new(error)))?;
    let tags = Tags { etag: format!("\"{}\"", firmware.sha256), modified: firmware.created_at.into() };
    let selected = conditions::select(method, headers, &tags, size);
    let range = match &selected {
        Selected::Whole => 0..size,
        Selected::Range(range) => range.clone(),
        Selected::Unchanged => return Ok(common(StatusCode::NOT_MODIFIED, &tags).into_response()),
        Selected::Changed => {
            return Ok(problem(StatusCode::PRECONDITION_FAILED, "this is not the file that was meant"));
        }
        Selected::Unsatisfiable => {
            let mut response = problem(StatusCode::RANGE_NOT_SATISFIABLE, "the range lies outside of the file");
            insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
    };
    let partial = matches!(selected, Selected::Range(_));
    let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = common(status, &tags).into_response();
    insert(&mut response, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    insert(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    insert(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(&mut response, header::CONTENT_DISPOSITION, &disposition::attachment(&firmware.file_name));
    if partial {
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    if method != Method::HEAD {
        let chunks = download.read(partial.then_some(range)).await?;
        *response.body_mut() = Body::from_stream(body::not_idle(chunks, state.limits.idle_timeout));
    }
    Ok(response)
}

/// What every answer about a file says.
fn common(status: StatusCode, tags: &Tags) -> (StatusCode, [(HeaderName, String); 4]) {
    let headers = [
        (header::ETAG, tags.etag.clone()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(tags.modified)),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        // Nobody's business but the link's holder's; the file itself never changes.
        (header::CACHE_CONTROL, "private, immutable, max-age=86400".to_owned()),
    ];
    (status, headers)
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A refused download. A device learns whether to try again, and nothing else.
fn refused(error: &ServiceError) -> Response {
    let (status, text) = match error {
        ServiceError::Forbidden { reason } => (StatusCode::FORBIDDEN, reason.as_str()),
        ServiceError::NotFound { .. } => (StatusCode::NOT_FOUND, "there is no such file"),
        ServiceError::Invalid { .. }
        | ServiceError::Conflict { .. }
        | ServiceError::TooLarge { .. }
        | ServiceError::Aborted(_) => (StatusCode::BAD_REQUEST, "the call is malformed"),
        ServiceError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable, try again later"),
        ServiceError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the server failed"),
    };
    if status.is_server_error() {
        tracing::error!(%error, "download failed");
    } else {
        tracing::info!(%error, "download refused");
    }
    problem(status, text)
}
