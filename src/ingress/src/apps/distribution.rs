//! B10: the devices that an application was pushed to.

use axum::{Json, extract::State};
use drover_domain::{Relationship, install_status};
use drover_service::{Distributed, DistributedUser, DistributionSearch, Window};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{errors::AppError, params::AppId, window::Paging, wire::enumerated};
use crate::{
    openapi::AppRefusals,
    web::{WebApi, auth::WebCaller, errors::WebError, params::Params, time},
};

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(list))]
pub(crate) struct Api;

/// The longest text that is searched for.
const SEARCH_MAX: usize = 128;
/// What the document calls the group of those who are in none.
const DEFAULT_GROUP: (i64, &str) = (-2, "默认组");

/// Devices that an application was pushed to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Distribution {
    /// How many there are; nobody counts beyond 100,000.
    total: i64,
    /// Those asked for, by device.
    rows: Vec<DistributionRow>,
}

/// An application on one device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DistributionRow {
    /// The account of the device's user.
    login_id: Option<String>,
    /// The user's mail address.
    mail: Option<String>,
    /// The user's telephone number.
    mobile: Option<String>,
    /// The user.
    user_id: Option<i64>,
    /// The user's name.
    user_name: Option<String>,
    /// The first of the user's groups, `默认组` of who is in none.
    #[schema(example = "默认组")]
    group_name: Option<String>,
    /// Its id, -2 for the default group.
    #[schema(example = -2)]
    group_id: Option<i64>,
    /// The device.
    device_id: i64,
    /// The install status.
    #[schema(example = 2)]
    install_status: i16,
    /// The device's name.
    device_name: String,
    /// 10 phone, 11 pad, 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch.
    device_type: Option<i16>,
    /// The version of the device's operating system; the document's spelling.
    #[schema(example = "6.0")]
    versio_num: Option<String>,
    /// 1 company, 2 employee, 3 other.
    relationship: Option<i16>,
    /// 1 when it must be there, 0 when the user may ask for it.
    required_app: i16,
    /// When the device was heard of last.
    #[schema(example = "2015-12-11 10:27:50")]
    last_online_time: Option<String>,
    /// When it moved last.
    #[schema(example = "2015-12-22 11:39:38")]
    update_time: String,
    /// Who pushed it.
    #[schema(example = "admin")]
    admin_login_id: Option<String>,
    /// When it was pushed, or is to be.
    #[schema(example = "2015-12-01 08:23:00")]
    push_time: String,
}

impl DistributionRow {
    fn of(found: Distributed, utc_offset_minutes: i16) -> Self {
        let text = |at| time::text(at, utc_offset_minutes);
        let install_status = install_status(Some(found.push), found.holding).code();
        let user = found.user.map(|user| {
            let DistributedUser { id, account, name, mail, phone, group } = user;
            let (group_id, group_name) =
                group.map_or((DEFAULT_GROUP.0, DEFAULT_GROUP.1.to_owned()), |(id, name)| (id.0, name));
            (id.0, account, name, mail, phone, group_id, group_name)
        });
        let (user_id, login_id, user_name, mail, mobile, group_id, group_name) = match user {
            Some((id, account, name, mail, phone, group_id, group_name)) => {
                (Some(id), Some(account), Some(name), said(mail), said(phone), Some(group_id), Some(group_name))
            }
            None => Default::default(),
        };
        Self {
            login_id,
            mail,
            mobile,
            user_id,
            user_name,
            group_name,
            group_id,
            device_id: found.device.0,
            install_status,
            device_name: found.device_name,
            device_type: found.device_type,
            versio_num: found.os_version.and_then(said),
            relationship: found.relationship,
            required_app: found.push.is_required.into(),
            last_online_time: found.online_at.map(text),
            update_time: text(found.moved_at),
            admin_login_id: found.operator,
            push_time: text(found.pushed_at),
        }
    }
}

/// What is not known is null.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The devices that an application was pushed to, and how far it came on each.
#[utoipa::path(
    get, path = "/apps/app/{appId}/distribution", operation_id = "app_distribution_list", tag = "applications",
    params(
        ("appId" = i64, Path, description = "The application", example = 101),
        ("searchInput" = Option<String>, Query, description = "Part of the user's name, account or mail address"),
        ("relationship" = Option<i16>, Query, description = "1 company, 2 employee, 3 other", minimum = 1, maximum = 3),
        ("installStatus" = Option<i16>, Query,
            description = "0: all but 1, 7 and 11; 7: 1 and 7; other codes exactly"),
        Paging,
    ),
    responses((status = 200, description = "The devices", body = Distribution), AppRefusals)
)]
pub(super) async fn list(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(application): AppId,
    params: Params,
) -> Result<Json<Distribution>, AppError> {
    let (search, window) = filter(&params)?;
    let found = api.service.app_distribution(&operator, application, search, window).await?;
    let row = |found| DistributionRow::of(found, operator.utc_offset_minutes);
    Ok(Json(Distribution { total: found.total, rows: found.items.into_iter().map(row).collect() }))
}

fn filter(params: &Params) -> Result<(DistributionSearch, Window), WebError> {
    let search = DistributionSearch {
        search: params.text("searchInput", SEARCH_MAX)?.map(str::to_owned),
        relationship: enumerated("relationship", params.number("relationship")?, Relationship::from_code)?,
        status: params.number("installStatus")?,
    };
    Ok((search, params.window()?))
}
