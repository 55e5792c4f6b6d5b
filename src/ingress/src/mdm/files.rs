//! X3 and X4: a file is uploaded and gets a fileUuid, by which it is downloaded.

use axum::{
    Json,
    extract::{FromRequestParts, Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
};
use drover_domain::{DeviceUuid, TenantId};
use drover_service::{NewFile, StoredFile};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::{
    WebApi,
    auth::{WebCaller, authenticate_client},
    errors::{ErrorBody, WebError},
    params::Params,
};
use crate::{
    device,
    openapi::{DeviceRefusals, Refusals},
    upload::{Upload, UploadError},
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(create, show))]
pub(crate) struct Api;

/// The text fields of an upload.
const FIELDS: [&str; 1] = ["sha256"];

/// An upload.
#[derive(ToSchema)]
#[allow(dead_code)] // it is read as it flows, and never held
pub(crate) struct UploadForm {
    /// What the file's SHA-256 must be, in hexadecimal. It stands before the file.
    sha256: Option<String>,
    /// The file, last.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file that is kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileView {
    /// Its id.
    #[schema(example = "efdc2719-31ee-4170-aaf8-9371907d49a6")]
    file_uuid: String,
    /// The name it was uploaded under first.
    #[schema(example = "mdm_2.0.apk")]
    file_name: String,
    /// Length in bytes.
    size: i64,
    /// SHA-256, lower-case hexadecimal.
    sha256: String,
    /// MD5, lower-case hexadecimal.
    md5: String,
}

impl From<StoredFile> for FileView {
    fn from(file: StoredFile) -> Self {
        let StoredFile { id, file_name, size_bytes, sha256, md5, .. } = file;
        Self { file_uuid: id.to_string(), file_name, size: size_bytes, sha256, md5 }
    }
}

/// Uploads a file. The same bytes again give the same fileUuid.
#[utoipa::path(
    post, path = "/mdm/v1/files", tag = "files", operation_id = "files_upload",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The file is kept", body = FileView),
        (status = 403, description = "The operator may only look", body = ErrorBody),
        (status = 429, description = "Too many unknown tokens were sent", body = ErrorBody),
        Refusals
    )
)]
pub(crate) async fn create(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    request: Request,
) -> Result<Json<FileView>, WebError> {
    operator.require_write()?;
    let (parts, body) = request.into_parts();
    let mut upload = Upload::open(&parts.headers, body, &api.limits, &FIELDS).await?;
    let new = NewFile {
        tenant: operator.tenant,
        file_name: upload.file_name.take().unwrap_or_default(),
        created_by: operator.login_id,
        expected_sha256: upload.fields.take("sha256").filter(|sha256| !sha256.is_empty()),
        max_bytes: api.limits.max_upload_bytes,
    };
    Ok(Json(api.service.store_file(new, upload.into_file()).await?.into()))
}

/// Leads to a file of the caller's tenant, by a link that expires.
#[utoipa::path(
    get, path = "/mdm/v1/files/{fileUuid}", tag = "files", operation_id = "files_show",
    security(("bearer" = []), ("access_token" = []), ("device" = [])),
    params(
        ("fileUuid" = String, Path, description = "The file", example = "efdc2719-31ee-4170-aaf8-9371907d49a6"),
        ("deviceUuid" = Option<String>, Query, description = "The device that calls, unless its login is HTTP Basic", example = "d1"),
    ),
    responses(
        (status = 307, description = "The file is at `Location` for some time", headers(("Location" = String))),
        DeviceRefusals
    )
)]
pub(crate) async fn show(
    State(api): State<WebApi>,
    Reader(tenant): Reader,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, WebError> {
    let id = path.map(|Path(text)| text).unwrap_or_default();
    let id = Uuid::parse_str(&id).map_err(|_| WebError::NotFound("there is no such file".into()))?;
    let file = api.service.stored_file(tenant, id).await?;
    let link = api.service.file_link(file.id, &file.file_name);
    let headers = [(header::LOCATION, link), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
}

/// Whose files the caller may read: an operator, or a device that says who it is by `deviceUuid` or as the user of HTTP Basic.
pub(crate) struct Reader(TenantId);

impl FromRequestParts<WebApi> for Reader {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, WebError> {
        let params = Params::from_request_parts(parts, api).await?;
        let params = if params.was_sent("deviceUuid") { Some(params) } else { device_of_basic(&parts.headers)? };
        match params {
            Some(params) => Ok(Self(authenticate_client(api, &parts.headers, &params).await?.tenant)),
            None => Ok(Self(WebCaller::from_request_parts(parts, api).await?.0.tenant)),
        }
    }
}

/// The parameters of a device that only sent HTTP Basic. A device's uuid needs no encoding.
fn device_of_basic(headers: &HeaderMap) -> Result<Option<Params>, WebError> {
    let user = device::basic(headers).map(|(user, _)| user).filter(|user| DeviceUuid::parse(user).is_ok());
    user.map(|uuid| Params::of_query(&format!("deviceUuid={uuid}"))).transpose()
}

impl From<UploadError> for WebError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Invalid { .. } | UploadError::NoFile => Self::Invalid(error.to_string()),
            UploadError::TooLarge { .. } => Self::TooLarge(error.to_string()),
        }
    }
}
