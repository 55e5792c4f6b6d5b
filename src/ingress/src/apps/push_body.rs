//! What a push says, as the document writes it: numbers that come as strings, and a time in the tenant's time.

use chrono::{DateTime, Utc};
use drover_domain::PolicyId;
use drover_service::{ApplicationRefusal as R, Operator, PushRequest, ServiceError, Wish};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    errors::AppError,
    targets::{self, Ids},
    wire,
};
use crate::{
    json::string,
    web::{errors::WebError, time},
};

/// A push.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"groupIds": [-2], "distributeType": "1", "distributeMode": "0", "deviceRelationship": "1,2,3"}))]
pub(super) struct PushBody {
    /// Groups; -2 is the group of those who are in none.
    #[serde(default)]
    #[schema(value_type = Vec<i64>, example = json!([-2]))]
    group_ids: Ids,
    /// Users.
    #[serde(default)]
    #[schema(value_type = Vec<i64>, example = json!([35]))]
    user_ids: Ids,
    /// Labels, in place of users and groups.
    #[serde(default)]
    #[schema(value_type = Vec<i64>, example = json!([]))]
    label_ids: Ids,
    /// 1 users are told, 2 they are not.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "1")]
    distribute_type: Option<String>,
    /// 0 required, 1 on demand.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "0")]
    distribute_mode: Option<String>,
    /// Whose devices, with commas between them: 1 the company's, 2 the employee's, 3 others'.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "1,2,3")]
    device_relationship: Option<String>,
    /// 1 what a device removes, it is given again. Of what is required.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "0")]
    essential_app: Option<String>,
    /// 1 it is removed from a device that leaves.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "0")]
    del_app: Option<String>,
    /// 1 it is put into the Knox container. Android.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "0")]
    is_input_knox: Option<String>,
    /// 1 it is downloaded over Wi-Fi alone. Android.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "1")]
    wifi: Option<String>,
    /// 1 its data are kept out of backups. iOS.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "0")]
    prevent_backup: Option<String>,
    /// When it begins, in the tenant's time; at once when absent. Of what is required.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "2030-12-01 08:23:00")]
    start_time_str: Option<String>,
    /// The policy that travels with it; a built-in application needs one.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "104")]
    appconfid: Option<String>,
}

impl PushBody {
    pub(super) fn read(self, operator: &Operator) -> Result<PushRequest, AppError> {
        let is_notified = match present(self.distribute_type.as_deref()) {
            Some("1") => true,
            Some("2") => false,
            _ => return Err(bad("distributeType: is 1 (users are told) or 2 (they are not)")),
        };
        let is_required = match present(self.distribute_mode.as_deref()) {
            Some("0") => true,
            Some("1") => false,
            _ => return Err(bad("distributeMode: is 0 (required) or 1 (on demand)")),
        };
        let relationships = targets::relationships("deviceRelationship", self.device_relationship.as_deref())
            .map_err(|error| bad(&error.to_string()))?;
        let start_at = if is_required { start_at(self.start_time_str.as_deref(), operator)? } else { None };
        Ok(PushRequest {
            targets: targets::targets(self.user_ids, self.group_ids, self.label_ids)?,
            wish: Wish {
                is_required,
                is_notified,
                relationships,
                is_essential: flag("essentialApp", self.essential_app.as_deref())?,
                removes_on_exit: flag("delApp", self.del_app.as_deref())?,
                into_knox: flag("isInputKnox", self.is_input_knox.as_deref())?,
                wifi_only: flag("wifi", self.wifi.as_deref())?,
                prevents_backup: flag("preventBackup", self.prevent_backup.as_deref())?,
                policy: policy(self.appconfid.as_deref())?,
                start_at,
            },
        })
    }
}

fn bad(reason: &str) -> AppError {
    ServiceError::from(R::BadPush(reason.to_owned())).into()
}

/// What was sent, unless it is empty.
fn present(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn flag(field: &str, text: Option<&str>) -> Result<bool, WebError> {
    match present(text) {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(_) => Err(WebError::invalid(field, "is 0 or 1")),
    }
}

fn start_at(text: Option<&str>, operator: &Operator) -> Result<Option<DateTime<Utc>>, AppError> {
    let Some(text) = present(text) else { return Ok(None) };
    let time = time::parse(text, operator.utc_offset_minutes);
    time.map(Some).ok_or_else(|| ServiceError::from(R::StartMalformed).into())
}

/// What is no number names none.
fn policy(text: Option<&str>) -> Result<Option<PolicyId>, AppError> {
    let Some(text) = present(text) else { return Ok(None) };
    let unknown = || ServiceError::from(R::NoSuchPolicy { what: "policy", id: text.to_owned() });
    Ok(Some(PolicyId(wire::id(text).ok_or_else(unknown)?)))
}
