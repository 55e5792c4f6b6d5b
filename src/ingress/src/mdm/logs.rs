//! A17, A18 and A19: what became of a version.

mod rows;

use axum::{Json, extract::State};
use drover_domain::ClientVersionId;
use drover_service::{DistributeKey, LogPage, PublishKey, UpgradeKey};
use utoipa::OpenApi;

use super::{
    WebApi,
    auth::WebCaller,
    errors::WebError,
    page::{Listing, LogPaging, PageAnswer},
    params::{Id, Params},
};
use crate::openapi::Refusals;
pub(crate) use rows::{DistributeRow, PublishRow, UpgradeRow};

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(distributions, upgrades, publications))]
pub(crate) struct Api;

/// The longest text that is searched for.
const SEARCH_MAX: usize = 128;

/// The columns of A17. What is the same in every row of a version's log leaves their order to the id.
const DISTRIBUTE_KEYS: [(&str, DistributeKey); 16] = [
    ("updateTime", DistributeKey::Updated),
    ("id", DistributeKey::Id),
    ("appId", DistributeKey::Id),
    ("comId", DistributeKey::Id),
    ("targetId", DistributeKey::TargetCode),
    ("targetType", DistributeKey::Id),
    ("targetName", DistributeKey::TargetName),
    ("appVersionCode", DistributeKey::Id),
    ("orgCode", DistributeKey::OperatorOrganisationCode),
    ("orgName", DistributeKey::OperatorOrganisation),
    ("operatorId", DistributeKey::Operator),
    ("operatorName", DistributeKey::OperatorName),
    ("forceUpdate", DistributeKey::Force),
    ("status", DistributeKey::Status),
    ("resourceDeviceCount", DistributeKey::Targeted),
    ("upgradeDeviceCount", DistributeKey::Upgraded),
];

/// The columns of A18.
const UPGRADE_KEYS: [(&str, UpgradeKey); 17] = [
    ("updateTime", UpgradeKey::Updated),
    ("id", UpgradeKey::Id),
    ("tenantId", UpgradeKey::Id),
    ("clientAppId", UpgradeKey::Id),
    ("deviceId", UpgradeKey::Device),
    ("targetId", UpgradeKey::TargetCode),
    ("targetName", UpgradeKey::TargetName),
    ("targetType", UpgradeKey::Id),
    ("status", UpgradeKey::State),
    ("description", UpgradeKey::Description),
    ("createTime", UpgradeKey::Created),
    ("clientAppVersionCode", UpgradeKey::Id),
    ("account", UpgradeKey::Account),
    ("userName", UpgradeKey::UserName),
    ("deviceName", UpgradeKey::DeviceName),
    ("deviceClientVersion", UpgradeKey::VersionBefore),
    ("orgCode", UpgradeKey::OrganisationCode),
];

/// The columns of A19.
const PUBLISH_KEYS: [(&str, PublishKey); 10] = [
    ("updateTime", PublishKey::Updated),
    ("id", PublishKey::Id),
    ("tenantId", PublishKey::Id),
    ("appId", PublishKey::Id),
    ("groupId", PublishKey::Id),
    ("createTime", PublishKey::Created),
    ("status", PublishKey::Status),
    ("operatorName", PublishKey::Operator),
    ("tenantName", PublishKey::Id),
    ("operatorOrgName", PublishKey::OperatorOrganisation),
];

fn log_page<'a, K: Copy>(listing: &Listing<K>, search: &'a str) -> LogPage<'a, K> {
    LogPage { key: listing.key, descending: listing.descending, page: listing.page, search }
}

/// The distributions of a version.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/apps/{id}/distribute_logs", operation_id = "distributions_list", tag = "client upgrades",
    params(
        ("id" = i64, Path, description = "The version", example = 1001),
        LogPaging,
    ),
    responses((status = 200, description = "The distributions", body = PageAnswer<DistributeRow>), Refusals)
)]
pub(crate) async fn distributions(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Json<PageAnswer<DistributeRow>>, WebError> {
    let listing = params.log_listing(&DISTRIBUTE_KEYS)?;
    let log = log_page(&listing, "");
    let paged = api.service.distribute_logs(&operator, ClientVersionId(id), &log).await?;
    Ok(Json(PageAnswer::of_log(listing.page, paged, |row| DistributeRow::of(row, operator.utc_offset_minutes))))
}

/// Every device's upgrade to a version.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/apps/{id}/upgrade_logs", operation_id = "upgrades_list", tag = "client upgrades",
    params(
        ("id" = i64, Path, description = "The version", example = 1001),
        LogPaging,
        ("filterText" = Option<String>, Query, description = "What the name of the user or of the device contains"),
    ),
    responses((status = 200, description = "The upgrades", body = PageAnswer<UpgradeRow>), Refusals)
)]
pub(crate) async fn upgrades(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Json<PageAnswer<UpgradeRow>>, WebError> {
    let listing = params.log_listing(&UPGRADE_KEYS)?;
    let log = log_page(&listing, params.text("filterText", SEARCH_MAX)?.unwrap_or_default());
    let paged = api.service.upgrade_logs(&operator, ClientVersionId(id), &log).await?;
    Ok(Json(PageAnswer::of_log(listing.page, paged, UpgradeRow::of)))
}

/// The publications of a version.
#[utoipa::path(
    get, path = "/mdm/v1/clientupgrade/apps/{id}/publish_logs", operation_id = "publications_list", tag = "client upgrades",
    params(
        ("id" = i64, Path, description = "The version", example = 1001),
        LogPaging,
    ),
    responses((status = 200, description = "The publications", body = PageAnswer<PublishRow>), Refusals)
)]
pub(crate) async fn publications(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    Id(id): Id,
    params: Params,
) -> Result<Json<PageAnswer<PublishRow>>, WebError> {
    let listing = params.log_listing(&PUBLISH_KEYS)?;
    let log = log_page(&listing, "");
    let paged = api.service.publish_logs(&operator, ClientVersionId(id), &log).await?;
    Ok(Json(PageAnswer::of_log(listing.page, paged, |row| PublishRow::of(row, operator.utc_offset_minutes))))
}
