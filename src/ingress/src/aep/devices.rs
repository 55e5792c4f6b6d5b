//! D4, `GET /devices`: the devices that joined a task, or can join one.

use axum::extract::{Request, State};
use drover_domain::JobId;
use drover_service::DeviceFilter;

use super::{
    Answer, Gateway, answer,
    call::Call,
    errors::AepError,
    text::SEARCH_MAX,
    views::{DeviceView, List},
};

const DECLARED: [&str; 10] = [
    "id",
    "productId",
    "isSelectDevice",
    "pageNow",
    "pageSize",
    "deviceIdSearch",
    "deviceNameSearch",
    "imeiSearch",
    "deviceNoSearch",
    "deviceGroupIdSearch",
];

/// D4: one page of devices. Each search is exact and applies to every protocol: a device that has no IMEI is not found
/// by one.
pub(super) async fn list(State(state): State<Gateway>, request: Request) -> Answer<List<DeviceView>> {
    let call = Call::read(&state, request, &DECLARED).await?;
    let joined = match call.query.required_number("isSelectDevice")? {
        1 => Some(JobId(call.query.id("id")?)),
        // The document asks for no id here; one that is sent anyway says nothing.
        2 => None,
        _ => return Err(AepError::bad("isSelectDevice", "must be 1, joined, or 2, can join")),
    };
    let search = |name| Ok::<_, AepError>(call.query.text(name, SEARCH_MAX)?.map(str::to_owned));
    let filter = DeviceFilter {
        joined,
        uuid: search("deviceIdSearch")?,
        name: search("deviceNameSearch")?,
        imei: search("imeiSearch")?,
        sn: search("deviceNoSearch")?,
        group_uuid: search("deviceGroupIdSearch")?,
    };
    let page = call.page()?;
    let product = call.product_of_query().await?;
    let devices = state.service.devices(&product, filter, page).await?;
    Ok(answer(List::of(devices, |device| DeviceView::of(product.protocol, device))))
}
