//! Devices of organisations.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse as _,
};
use drover_service::{DeviceChange, ManagedDevice, ManagedDeviceFilter, NewManagedDevice};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::wire::{Answer, ListAnswer, Paging, created, done, given, list_from, text_or_null, time};
use crate::{
    openapi::{Refusals, WriteRefusals},
    web::{WebApi, auth::WebCaller, body::JsonBody, params::Params},
};

/// Devices.
#[derive(OpenApi)]
#[openapi(paths(list, enrol, show, change, deregister, issue_token, revoke_token))]
pub(crate) struct Api;

/// A device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceView {
    /// What calls of the MDM and application APIs name it by.
    id: String,
    /// What it calls itself.
    uuid: String,
    name: String,
    /// The code of its organisation.
    organisation: String,
    /// The account of its user.
    user: Option<String>,
    /// The name of its product, whose firmware it runs.
    product: Option<String>,
    /// 51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony.
    os: Option<i32>,
    /// 10 phone, 11 pad, 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch.
    device_type: Option<i16>,
    /// 1 company, 2 employee, 3 other.
    relationship: Option<i16>,
    device_number: Option<String>,
    imei: String,
    sn: String,
    /// How it is reached: `mqtt`, `poll` or `simulated`.
    channel: String,
    /// `registered`, `activated` once it was heard of, or `deregistered`.
    status: String,
    firmware_version: String,
    /// Whether it has a token to log in with.
    has_token: bool,
    #[schema(format = DateTime)]
    online_at: Option<String>,
    #[schema(format = DateTime)]
    offline_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<ManagedDevice> for DeviceView {
    fn from(device: ManagedDevice) -> Self {
        let values = device.values;
        Self {
            id: device.id.to_string(),
            uuid: values.uuid,
            name: values.name,
            organisation: device.organisation_code,
            user: device.user_account,
            product: device.product_name,
            os: values.os,
            device_type: values.device_type,
            relationship: values.relationship,
            device_number: values.device_number,
            imei: values.imei,
            sn: values.sn,
            channel: values.channel,
            status: device.status,
            firmware_version: device.firmware_version,
            has_token: device.has_token,
            online_at: device.online_at.map(time),
            offline_at: device.offline_at.map(time),
            created_at: time(device.created_at),
        }
    }
}

/// A device to be enrolled.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewDevice {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    uuid: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    name: String,
    /// The code of its organisation; the caller's own when absent.
    organisation: Option<String>,
    /// The account of its user.
    user: Option<String>,
    /// The name of its product.
    product: Option<String>,
    os: Option<i32>,
    device_type: Option<i16>,
    relationship: Option<i16>,
    #[schema(max_length = 128)]
    device_number: Option<String>,
    #[serde(default)]
    #[schema(max_length = 128)]
    imei: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    sn: String,
    /// `mqtt` when absent.
    #[serde(default = "default_channel")]
    channel: String,
}

fn default_channel() -> String {
    "mqtt".into()
}

/// What of a device is to be different.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::option_option)] // absent, null or a value
pub(super) struct ChangedDevice {
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    name: Option<String>,
    /// A code.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    organisation: Option<String>,
    /// An account.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    user: Option<Option<String>>,
    /// A name; a device that has a product keeps it.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    product: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>)]
    os: Option<Option<i32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i16>)]
    device_type: Option<Option<i16>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i16>)]
    relationship: Option<Option<i16>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 128)]
    device_number: Option<Option<String>>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    imei: Option<String>,
    #[serde(default, deserialize_with = "text_or_null")]
    #[schema(max_length = 128)]
    sn: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    channel: Option<String>,
}

/// A device's token, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    /// What the device calls itself: its user name.
    uuid: String,
    /// Its password.
    token: String,
}

/// Lists the devices of the caller's organisation and those below it. A search by name looks at ten thousand devices a page,
/// so that a page may be empty while there are more: go on until `next` is `null`.
#[utoipa::path(get, path = "/admin/v1/devices", tag = "devices", operation_id = "devices_list",
    params(Paging,
        ("organisation" = Option<String>, Query, description = "Only those of this organisation, by its code, and below it"),
        ("user" = Option<String>, Query, description = "Only those of the user of this account"),
        ("namePrefix" = Option<String>, Query, description = "Only those whose names begin so"),
        ("uuid" = Option<String>, Query, description = "Only this one; at most one of user, namePrefix and uuid")),
    responses((status = 200, description = "A page", body = ListAnswer<DeviceView>), Refusals))]
pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
    let text = |name| params.optional(name).map(str::to_owned);
    let filter = ManagedDeviceFilter {
        organisation: text("organisation"),
        user: text("user"),
        name_prefix: text("namePrefix"),
        uuid: text("uuid"),
    };
    let list = api.service.managed_devices(&caller, &filter, &list_from(&params)?).await?;
    Ok(ListAnswer::of(list, DeviceView::from))
}

/// Enrols a device. One that was deregistered is enrolled again.
#[utoipa::path(post, path = "/admin/v1/devices", tag = "devices", operation_id = "devices_enrol",
    request_body = NewDevice,
    responses((status = 201, description = "It is enrolled; `Location` is its address", body = DeviceView,
        headers(("Location" = String))), WriteRefusals))]
pub(super) async fn enrol(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    JsonBody(new): JsonBody<NewDevice>,
) -> Answer {
    let new = NewManagedDevice {
        uuid: new.uuid,
        name: new.name,
        organisation: new.organisation,
        user: new.user,
        product: new.product,
        os: new.os,
        device_type: new.device_type,
        relationship: new.relationship,
        device_number: new.device_number,
        imei: new.imei,
        sn: new.sn,
        channel: new.channel,
    };
    let enrolled = api.service.enrol_device(&caller, &new).await?;
    Ok(created(&format!("/devices/{}", enrolled.values.uuid), DeviceView::from(enrolled)))
}

/// Shows a device.
#[utoipa::path(get, path = "/admin/v1/devices/{uuid}", tag = "devices", operation_id = "devices_show",
    params(("uuid" = String, Path, example = "d1")), responses((status = 200, description = "The device", body = DeviceView), Refusals))]
pub(super) async fn show(State(api): State<WebApi>, WebCaller(caller): WebCaller, Path(uuid): Path<String>) -> Answer {
    Ok(Json(DeviceView::from(api.service.managed_device(&caller, &uuid).await?)).into_response())
}

/// Changes a device.
#[utoipa::path(patch, path = "/admin/v1/devices/{uuid}", tag = "devices", operation_id = "devices_change",
    params(("uuid" = String, Path, example = "d1")), request_body = ChangedDevice,
    responses((status = 200, description = "The device as it is now", body = DeviceView), WriteRefusals))]
pub(super) async fn change(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    Path(uuid): Path<String>,
    JsonBody(change): JsonBody<ChangedDevice>,
) -> Answer {
    let change = DeviceChange {
        name: change.name,
        organisation: change.organisation,
        user: change.user,
        product: change.product,
        os: change.os,
        device_type: change.device_type,
        relationship: change.relationship,
        device_number: change.device_number,
        imei: change.imei,
        sn: change.sn,
        channel: change.channel,
    };
    let changed = api.service.change_device(&caller, &uuid, &change).await?;
    Ok(Json(DeviceView::from(changed)).into_response())
}

/// Deregisters a device: its token is taken back, its connections end, and it gets no new commands. What is known of it stays.
#[utoipa::path(delete, path = "/admin/v1/devices/{uuid}", tag = "devices", operation_id = "devices_deregister",
    params(("uuid" = String, Path, example = "d1")), responses((status = 204, description = "It is deregistered"), WriteRefusals))]
pub(super) async fn deregister(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    Path(uuid): Path<String>,
) -> Answer {
    api.service.deregister_device(&caller, &uuid).await?;
    Ok(done())
}

/// Gives a device its token, once; one whose token was taken back gets a new one.
#[utoipa::path(post, path = "/admin/v1/devices/{uuid}/token", tag = "devices", operation_id = "devices_issue_token",
    params(("uuid" = String, Path, example = "d1")),
    responses((status = 201, description = "The token, shown this once", body = TokenView), WriteRefusals))]
pub(super) async fn issue_token(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    Path(uuid): Path<String>,
) -> Answer {
    let issued = api.service.issue_device_token(&caller, &uuid).await?;
    let token = TokenView { uuid: issued.key_id, token: issued.secret.expose().to_owned() };
    let mut response = (http::StatusCode::CREATED, Json(token)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Takes a device's token back and ends its connections.
#[utoipa::path(delete, path = "/admin/v1/devices/{uuid}/token", tag = "devices", operation_id = "devices_revoke_token",
    params(("uuid" = String, Path, example = "d1")), responses((status = 204, description = "It is taken back"), WriteRefusals))]
pub(super) async fn revoke_token(
    State(api): State<WebApi>,
    WebCaller(caller): WebCaller,
    Path(uuid): Path<String>,
) -> Answer {
    api.service.revoke_device_token(&caller, &uuid).await?;
    Ok(done())
}
