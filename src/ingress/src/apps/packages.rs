//! Packages are uploaded, and saved when other versions of them are there: B1 and X2.

use axum::{
    Extension, Json,
    extract::{Request, State},
};
use drover_domain::ApplicationId;
use drover_messages::TraceContext;
use drover_service::{
    ApplicationRefusal as R, ApplicationValues, Decision, NewPackage, ServiceError, Undecided, Uploaded,
};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    errors::AppError,
    views::SavedAnswer,
    wire::{self, SaveBody},
};
use crate::{
    openapi::AppRefusals,
    upload::{Fields, Upload},
    web::{WebApi, auth::WebCaller, body::JsonBody, errors::WebError, params::Params},
};

/// The calls of this file, for the family's document.
#[derive(OpenApi)]
#[openapi(paths(upload, save))]
pub(crate) struct Api;

/// The text fields of an upload, in every spelling.
const FIELDS: [&str; 8] =
    ["type", "catesId", "iosOsVersion", "androidOsVersion", "modelType", "Company", "company", "description"];
/// What says that other versions are there.
const OTHER_VERSIONS: u16 = 704;

/// An upload.
#[derive(ToSchema)]
#[allow(dead_code, non_snake_case)] // it is read as it flows, and never held; the names are the document's
pub(super) struct PackageForm {
    /// An APK or an IPA.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// 1 enterprise, 2 public; an IPA is enterprise. It may be in the query, as all that is text.
    r#type: i16,
    /// The categories it is to be in, with commas between them.
    catesId: Option<String>,
    /// The lowest version of iOS; as the package says, or 5.1, when absent.
    iosOsVersion: Option<String>,
    /// The lowest version of Android; as the package says, or 2.3, when absent.
    androidOsVersion: Option<String>,
    /// Kinds of iOS devices, with commas between them: 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch; all when none is known.
    modelType: Option<String>,
    /// Who makes it.
    Company: Option<String>,
    /// Free text.
    description: Option<String>,
}

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum UploadAnswer {
    /// It is saved.
    Saved(SavedAnswer),
    /// Other versions are there, and nothing is saved before `POST /apps/app` says what becomes of it.
    Undecided(UndecidedAnswer),
}

/// A package that waits for somebody to say whether it replaces another version or is added.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UndecidedAnswer {
    /// The name of its file.
    #[schema(example = "7NQTest1.3.ipa")]
    file_name: String,
    /// The applications of other versions, with commas between them.
    #[schema(example = "153,154")]
    app_ids: String,
    /// Their versions, in the same order.
    #[schema(example = "1.2.0,1.1")]
    versions: String,
    /// 704: there are other versions.
    #[schema(example = 704)]
    message: u16,
    /// What names it for a day.
    app_path: String,
    /// 1 Android, 2 iOS.
    platform: i16,
    /// The name that it bears.
    app_name: String,
}

impl From<Undecided> for UndecidedAnswer {
    fn from(undecided: Undecided) -> Self {
        let (ids, versions): (Vec<String>, Vec<String>) =
            undecided.others.into_iter().map(|(id, version)| (id.to_string(), version)).unzip();
        Self {
            file_name: undecided.file_name,
            app_ids: ids.join(","),
            versions: versions.join(","),
            message: OTHER_VERSIONS,
            app_path: undecided.path,
            platform: undecided.platform.code(),
            app_name: undecided.label,
        }
    }
}

/// Uploads an application. When other versions of it are there, nothing is saved yet: the answer names them.
#[utoipa::path(
    post, path = "/apps/app/package", tag = "applications", operation_id = "applications_upload",
    request_body(content = PackageForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "It is saved, or waits for a decision", body = UploadAnswer), AppRefusals)
)]
pub(super) async fn upload(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    params: Params,
    request: Request,
) -> Result<Json<UploadAnswer>, AppError> {
    operator.require_write()?;
    let (parts, body) = request.into_parts();
    let mut upload = Upload::open(&parts.headers, body, &api.limits, &FIELDS).await?;
    let file_name = upload.file_name.take().unwrap_or_default();
    let package = api.service.spool_package(&operator, api.limits.max_upload_bytes, upload.file()).await?;
    let new = new_package(file_name, upload.finish(&FIELDS).await?, &params)?;
    Ok(Json(match api.service.upload_application(&operator, package, new).await? {
        Uploaded::Saved(id, platform) => {
            UploadAnswer::Saved(SavedAnswer { app_id: id.to_string(), platform: platform.code() })
        }
        Uploaded::Undecided(undecided) => UploadAnswer::Undecided(undecided.into()),
    }))
}

/// What is said with a package. What stands in the form is not looked for in the query.
fn new_package(file_name: String, mut fields: Fields, params: &Params) -> Result<NewPackage, AppError> {
    let mut text = |name: &str| {
        let sent = fields.take(name).filter(|text| !text.is_empty());
        sent.or_else(|| params.optional(name).map(str::to_owned))
    };
    let kind = text("type").ok_or_else(|| WebError::invalid("type", "is missing"))?;
    let kind = kind.trim().parse().map_err(|_| WebError::invalid("type", "is not a number"))?;
    Ok(NewPackage {
        file_name,
        kind: wire::application_type(kind)?,
        android_version: text("androidOsVersion"),
        ios_version: text("iosOsVersion"),
        values: ApplicationValues {
            name: None,
            company: text("Company").or_else(|| text("company")),
            description: text("description"),
            os_version: None,
            model_types: text("modelType").as_deref().map(wire::model_types),
            categories: text("catesId").as_deref().map(wire::categories).transpose()?,
        },
    })
}

/// Saves an uploaded application whose other versions are there: as the next release of one of them, or beside them.
#[utoipa::path(
    post, path = "/apps/app", tag = "applications", operation_id = "applications_save", request_body = SaveBody,
    responses((status = 200, description = "It is saved", body = SavedAnswer), AppRefusals)
)]
pub(super) async fn save(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Extension(trace): Extension<TraceContext>,
    JsonBody(body): JsonBody<SaveBody>,
) -> Result<Json<SavedAnswer>, AppError> {
    operator.require_write()?;
    let SaveBody { app_path, replace_or_add, app_id, kind, said } = body;
    let named = match app_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        Some(text) => {
            let id = wire::id(text).ok_or_else(|| ServiceError::from(R::NoSuchApplication(text.to_owned())))?;
            Some(ApplicationId(id))
        }
        None => None,
    };
    let decision = match replace_or_add.as_deref().map(str::trim) {
        Some("1") => Decision::Replace(named),
        Some("2") => Decision::Add,
        _ => return Err(ServiceError::from(R::BadReplaceOrAdd).into()),
    };
    let kind = kind.map(wire::application_type).transpose()?;
    let path = app_path.unwrap_or_default();
    let saved = api.service.save_application(&operator, &path, decision, kind, said.read()?, trace).await?;
    Ok(Json(SavedAnswer { app_id: saved.id.to_string(), platform: saved.platform.code() }))
}
