//! Downloads of firmware and uploaded files, under links that the service signed (X4).

mod conditions;
mod disposition;
mod media;

use axum::{
    Router,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use drover_domain::FirmwareId;
use drover_service::{Download, ServiceError};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use uuid::Uuid;

use crate::{AppState, body, family::problem};
pub(crate) use conditions::names_tag;
use conditions::{Selected, Tags};

/// The address of a firmware file. The name is for people and for devices that look at a suffix; the id says which.
const FIRMWARE: &str = "/files/firmware/{id}/{name}";
/// The address of an uploaded file. The same bytes may have several names: the one in the link is what they download as.
const STORED: &str = "/files/{file_uuid}/{name}";

/// The signed part of a link.
#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    expires: String,
    #[serde(default)]
    signature: String,
}

/// `GET` and `HEAD` of files.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route(FIRMWARE, get(firmware)).route(STORED, get(stored))
}

/// A firmware file, under the name that it was uploaded with.
async fn firmware(
    State(state): State<AppState>,
    method: Method,
    path: Result<Path<(i64, String)>, PathRejection>,
    link: Result<Query<Link>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let (Ok(Path((id, _))), Ok(Query(link))) = (path, link) else { return no_such_file() };
    let served = async {
        let download = state.service.open_firmware(FirmwareId(id), &link.expires, &link.signature).await?;
        serve(&state, &method, &headers, &download, &download.file_name).await
    };
    served.await.unwrap_or_else(|error| refused(&error))
}

/// An uploaded file, under the name of its link.
async fn stored(
    State(state): State<AppState>,
    method: Method,
    path: Result<Path<(Uuid, String)>, PathRejection>,
    link: Result<Query<Link>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let (Ok(Path((id, name))), Ok(Query(link))) = (path, link) else { return no_such_file() };
    let served = async {
        let download = state.service.open_file(id, &link.expires, &link.signature).await?;
        serve(&state, &method, &headers, &download, &name).await
    };
    served.await.unwrap_or_else(|error| refused(&error))
}

/// A file, whole or one range of it. Several ranges are answered with the whole file, as RFC 9110 (14.2) allows: no device
/// needs them, and they are a known way to exhaust a server.
async fn serve(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    download: &Download,
    name: &str,
) -> Result<Response, ServiceError> {
    let size = download.size_bytes;
    let tags = Tags { etag: format!("\"{}\"", download.sha256), modified: download.stored_at.into() };
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
    insert(&mut response, header::CONTENT_TYPE, media::type_of(name));
    // Whoever uploaded it, a browser only ever saves it.
    insert(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(&mut response, header::CONTENT_DISPOSITION, &disposition::attachment(name));
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

fn no_such_file() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such file")
}

/// A refused download. A device learns whether to try again, and nothing else.
fn refused(error: &ServiceError) -> Response {
    let (status, text) = match error {
        ServiceError::Forbidden { reason } => (StatusCode::FORBIDDEN, reason.as_str()),
        ServiceError::NotFound { .. } => (StatusCode::NOT_FOUND, "there is no such file"),
        ServiceError::Invalid { .. }
        | ServiceError::Conflict { .. }
        | ServiceError::Application(_)
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
