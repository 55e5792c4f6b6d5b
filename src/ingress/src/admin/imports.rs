//! Imports: many rows from a CSV file.

use axum::{
    Json,
    extract::{Path, Request, State},
    response::IntoResponse as _,
};
use drover_service::{ImportKind, Imported};
use http::StatusCode;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::wire::Answer;
use crate::{
    body,
    openapi::WriteRefusals,
    web::{WebApi, auth::WebCaller, errors::WebError},
};

/// Imports.
#[derive(OpenApi)]
#[openapi(paths(import), components(schemas(ImportRefused, ImportWord)))]
pub(crate) struct Api;

/// What a file holds.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // this is what the document says of the address
pub(super) enum ImportWord {
    Organisations,
    Users,
    Devices,
    Groups,
    Labels,
}

/// All of a file is there now.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportAnswer {
    /// Rows that were not there.
    added: u64,
    /// Rows that were.
    changed: u64,
}

/// Nothing of a file is there, because of its faults.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportRefused {
    error_code: u16,
    /// The first fault.
    message: String,
    /// The first faults, twenty at most; absent when it was not the file that was refused.
    #[schema(required = false)]
    errors: Vec<FaultView>,
}

/// A fault of a file.
#[derive(Serialize, ToSchema)]
pub(super) struct FaultView {
    /// The line, from 1, which names the columns.
    line: u64,
    /// The column; empty when the whole line is at fault.
    column: String,
    reason: String,
}

/// Imports a CSV file: all of it, or nothing when there is a fault. Rows are added, or changed when there is one of this uuid,
/// account, code or name. A column that the file does not have stays as it is. A row of a group or label adds a member to it:
/// nobody is taken away, and an empty description says nothing.
#[utoipa::path(post, path = "/admin/v1/imports/{what}", tag = "imports", operation_id = "imports_import",
    params(("what" = ImportWord, Path)),
    request_body(content = String, content_type = "text/csv", description = "The first line names the columns"),
    responses((status = 200, description = "All of it is there", body = ImportAnswer), WriteRefusals,
        (status = 400, description = "Nothing of it is there; the first faults are named", body = ImportRefused)))]
pub(super) async fn import(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    Path(what): Path<String>,
    request: Request,
) -> Answer {
    let kind = match what.as_str() {
        "organisations" => ImportKind::Organisations,
        "users" => ImportKind::Users,
        "devices" => ImportKind::Devices,
        "groups" => ImportKind::Groups,
        "labels" => ImportKind::Labels,
        _ => return Err(WebError::NotFound(format!("there are no imports of {what}"))),
    };
    let limits = api.limits;
    let file = Box::pin(body::not_idle(request.into_body().into_data_stream(), limits.idle_timeout));
    match api.service.import_upload(&caller, kind, limits.max_upload_bytes, file).await? {
        Imported::All { added, changed } => Ok(Json(ImportAnswer { added, changed }).into_response()),
        Imported::Refused(faults) => {
            let errors: Vec<FaultView> = faults
                .into_iter()
                .map(|fault| FaultView { line: fault.line, column: fault.column, reason: fault.reason })
                .collect();
            let first = errors.first();
            let message = first.map(|first| format!("line {}: {} {}", first.line, first.column, first.reason));
            let error_code = StatusCode::BAD_REQUEST.as_u16();
            let refused = ImportRefused { error_code, message: message.unwrap_or_default(), errors };
            Ok((StatusCode::BAD_REQUEST, Json(refused)).into_response())
        }
    }
}
