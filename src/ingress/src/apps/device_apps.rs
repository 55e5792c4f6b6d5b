//! B9: the applications of a device.

use axum::{Json, extract::State};
use drover_domain::{ApplicationId, ApplicationType, DeviceId, DomainType, install_status};
use drover_service::{DeviceApp, Window};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{errors::AppError, window::Paging};
use crate::{
    openapi::AppRefusals,
    web::{
        WebApi,
        auth::WebCaller,
        errors::WebError,
        params::{Id, Params},
        time,
    },
};

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(list))]
pub(crate) struct Api;

/// Applications of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceAppList {
    /// How many there are.
    total: i64,
    /// Those asked for, by package.
    rows: Vec<DeviceAppRow>,
}

/// An application of a device. What Drover does not administer has neither number nor status.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeviceAppRow {
    /// The application.
    app_id: Option<i64>,
    /// The device.
    device_id: i64,
    /// Its name.
    name: String,
    /// What the operating system knows it by.
    package_name: String,
    /// The install status.
    #[schema(example = 7)]
    status: Option<i16>,
    /// 1 enterprise, 2 public.
    r#type: Option<i16>,
    /// 0 normal, 2 container, 3 built-in.
    domain_type: Option<i16>,
    /// Bytes.
    size: Option<i64>,
    /// The version that is there, or that is to come.
    version: String,
    /// Who pushed it.
    login_id: Option<String>,
    /// When it moved last, `yyyy-MM-dd HH:mm:ss` in the tenant's time.
    #[schema(example = "2015-12-22 11:39:38")]
    update_time: Option<String>,
    /// 1 when a black list that the device was given names it, else 0.
    black_flag: i16,
}

impl DeviceAppRow {
    fn of(device: DeviceId, app: DeviceApp, utc_offset_minutes: i16) -> Self {
        let DeviceApp { package_name, name, version, size_bytes, managed, is_forbidden } = app;
        let managed = managed.as_ref();
        Self {
            app_id: managed.map(|managed| managed.id).map(|ApplicationId(id)| id),
            device_id: device.0,
            name,
            package_name,
            status: managed.map(|managed| install_status(managed.push, managed.holding).code()),
            r#type: managed.map(|managed| managed.kind).map(ApplicationType::code),
            domain_type: managed.map(|managed| managed.domain_type).map(DomainType::code),
            size: size_bytes,
            version,
            login_id: managed.and_then(|managed| managed.operator.clone()),
            update_time: managed.and_then(|managed| managed.moved_at).map(|at| time::text(at, utc_offset_minutes)),
            black_flag: is_forbidden.into(),
        }
    }
}

/// The applications of a device: those it says it has, and those that were pushed to it.
#[utoipa::path(
    get, path = "/devices/{deviceId}/apps", operation_id = "device_apps_list", tag = "applications",
    params(
        ("deviceId" = i64, Path, description = "The device", example = 113),
        Paging,
    ),
    responses((status = 200, description = "The applications", body = DeviceAppList), AppRefusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    id: Result<Id, WebError>,
    params: Result<Params, WebError>,
) -> Result<Json<DeviceAppList>, AppError> {
    let (Id(device), window): (Id, Window) = (id?, params?.window()?);
    let device = DeviceId(device);
    let found = api.service.device_apps(&operator, device, window).await?;
    let row = |app| DeviceAppRow::of(device, app, operator.utc_offset_minutes);
    Ok(Json(DeviceAppList { total: found.total, rows: found.items.into_iter().map(row).collect() }))
}
