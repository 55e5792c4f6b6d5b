//! Black and white lists on the wire, with the document's names.

use std::collections::HashSet;

use drover_domain::{PackageName, Platform, Relationship, RestrictionType};
use drover_service::{ListedApp, NewRestriction, RestrictionChange, RestrictionPush, RestrictionRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    targets::{Ids, relationships, targets},
    wire::enumerated,
};
use crate::{
    json::{number, string},
    web::errors::WebError,
};

/// The longest name of an application.
const APP_NAME_MAX_CHARS: usize = 255;

/// A list to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "games", "type": "2", "platformType": "1", "description": "", "status": "1",
    "apps": [{"appName": "Game", "pkgName": "com.example.game"}]}))]
pub(crate) struct NewRestrictionBody {
    /// Its name, one of the tenant's.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, min_length = 1, max_length = 128)]
    name: Option<String>,
    /// 1 white list: only these; 2 black list: none of these.
    #[serde(default, rename = "type", deserialize_with = "number")]
    #[schema(required = true, minimum = 1, maximum = 2, example = 2)]
    kind: Option<i64>,
    /// 1 Android, 2 iOS.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, minimum = 1, maximum = 2, example = 1)]
    platform_type: Option<i64>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// 0 disabled, 1 enabled.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, minimum = 0, maximum = 1, example = 1)]
    status: Option<i64>,
    /// What is on it, 1 to 500 applications, each package once.
    #[schema(required = true, min_items = 1, max_items = 500)]
    apps: Option<Vec<ListedAppBody>>,
}

/// What of a list is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "333", "apps": [{"appName": "124", "pkgName": "123"}]}))]
pub(crate) struct RestrictionChangeBody {
    /// Its name, one of the tenant's.
    #[serde(default, deserialize_with = "string")]
    #[schema(max_length = 128)]
    name: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// What is on it then, 1 to 500 applications, each package once.
    #[schema(min_items = 1, max_items = 500)]
    apps: Option<Vec<ListedAppBody>>,
}

/// An application on a list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedAppBody {
    /// Its name.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, min_length = 1, max_length = 255, example = "Game")]
    app_name: Option<String>,
    /// What the operating system knows it by: letters, digits, dots, hyphens and underscores.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, pattern = "^[A-Za-z0-9._-]{1,255}$", example = "com.example.game")]
    pkg_name: Option<String>,
}

/// To whom a list is pushed: users and groups, or labels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"pushDeviceType": "1,2,3", "groupIds": [-2]}))]
pub(crate) struct RestrictionPushBody {
    /// Whose devices it is for: 1 the company's, 2 an employee's, 3 another's, with commas between them.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, pattern = "^[123](,[123]){0,2}$", example = "1,2,3")]
    push_device_type: Option<String>,
    /// Groups; -2 is the group of those who are in no group.
    #[serde(default)]
    #[schema(value_type = Vec<i64>)]
    group_ids: Ids,
    /// Users.
    #[serde(default)]
    #[schema(value_type = Vec<i64>)]
    user_ids: Ids,
    /// Labels, each with a user at least.
    #[serde(default)]
    #[schema(value_type = Vec<i64>)]
    label_ids: Ids,
}

/// What a list's status is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RestrictionStatusBody {
    /// 0 disabled, 1 enabled.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, minimum = 0, maximum = 1, example = 0)]
    pub(super) status: Option<i64>,
}

impl NewRestrictionBody {
    /// What is to be made, in Drover's words.
    pub(super) fn read(self) -> Result<NewRestriction, WebError> {
        let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
        let missing = |field: &str| WebError::invalid(field, "is missing");
        let kind = enumerated("type", self.kind, RestrictionType::from_code)?;
        let platform = enumerated("platformType", self.platform_type, Platform::from_code)?;
        let status = enumerated("status", self.status, enabled)?;
        Ok(NewRestriction {
            name: Some(text(self.name)).filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?,
            kind: kind.ok_or_else(|| missing("type"))?,
            platform: platform.ok_or_else(|| missing("platformType"))?,
            description: text(self.description),
            is_enabled: status.ok_or_else(|| missing("status"))?,
            listed: listed(self.apps.ok_or_else(|| missing("apps"))?)?,
        })
    }
}

impl RestrictionChangeBody {
    /// What is to be different, in Drover's words.
    pub(super) fn read(self) -> Result<RestrictionChange, WebError> {
        let text = |text: Option<String>| text.map(|text| text.trim().to_owned());
        Ok(RestrictionChange {
            name: text(self.name),
            description: text(self.description),
            listed: self.apps.map(listed).transpose()?,
        })
    }
}

impl RestrictionPushBody {
    /// To whom it goes, in Drover's words.
    pub(super) fn read(self) -> Result<RestrictionPush, WebError> {
        Ok(RestrictionPush {
            relationships: relationships("pushDeviceType", self.push_device_type.as_deref())?,
            targets: targets(self.user_ids, self.group_ids, self.label_ids)?,
        })
    }
}

/// What is on a list; a fault is named by its place.
fn listed(apps: Vec<ListedAppBody>) -> Result<Vec<ListedApp>, WebError> {
    let mut packages = HashSet::with_capacity(apps.len());
    let mut listed = Vec::with_capacity(apps.len());
    for (index, ListedAppBody { app_name, pkg_name }) in apps.into_iter().enumerate() {
        let bad = |field: &str, reason: &str| WebError::invalid(&format!("apps[{index}].{field}"), reason);
        let package = PackageName::parse(&pkg_name.unwrap_or_default());
        let package = package.map_err(|error| bad("pkgName", &error.to_string()))?;
        if !packages.insert(package.clone()) {
            return Err(bad("pkgName", "is on the list twice"));
        }
        let name = app_name.unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            return Err(bad("appName", "is missing"));
        }
        if name.contains('\0') || name.chars().nth(APP_NAME_MAX_CHARS).is_some() {
            let reason = format!("is longer than {APP_NAME_MAX_CHARS} characters or holds a NUL character");
            return Err(bad("appName", &reason));
        }
        listed.push(ListedApp { package_name: package.into(), name });
    }
    Ok(listed)
}

/// Whether a status says that a list is enabled.
pub(super) fn enabled(status: i16) -> Option<bool> {
    match status {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The list that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestrictionCreated {
    /// Its id.
    #[schema(example = 101)]
    pub(super) app_strategy_id: i64,
}

/// Which lists are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(crate) struct Search {
    /// Part of its name or of who made it.
    name: Option<String>,
    /// 1 white list, 2 black list.
    #[param(minimum = 1, maximum = 2)]
    r#type: Option<i32>,
    /// 1 Android, 2 iOS.
    #[param(minimum = 1, maximum = 2)]
    platform_type: Option<i32>,
    /// 0 disabled, 1 enabled.
    #[param(minimum = 0, maximum = 1)]
    status: Option<i32>,
}

/// A list as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestrictionRow {
    /// Its id.
    id: i64,
    /// Its name.
    name: String,
    /// Free text.
    description: String,
    /// 1 white list, 2 black list.
    #[serde(rename = "type")]
    kind: i16,
    /// 1 Android, 2 iOS.
    platform_type: i16,
    /// Whose devices it was pushed to: 1 the company's, 2 an employee's, 3 another's; empty when to none.
    #[schema(example = "1,2,3")]
    push_device_type: String,
    /// 1 when it is disabled, else 0: so the samples have it.
    irre_push_flag: i16,
    /// 0 disabled, 1 enabled.
    status: i16,
    /// When it was made, in milliseconds since 1970.
    create_time: i64,
    /// Who made it.
    login_id: String,
    /// When it was changed last, in milliseconds since 1970.
    update_time: i64,
    /// Always null: the samples have nothing else.
    update_by: Option<String>,
    /// Always 0: the samples have nothing else.
    dist_type: i16,
    /// What is on it.
    apps: Vec<ListedAppRow>,
}

/// An application on a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedAppRow {
    /// Its name.
    app_name: String,
    /// What the operating system knows it by.
    pkg_name: String,
}

impl RestrictionRow {
    /// As it is shown.
    pub(super) fn of(record: RestrictionRecord) -> Self {
        let relationships: Vec<String> =
            record.relationships.iter().copied().map(Relationship::code).map(|code| code.to_string()).collect();
        let app = |app: ListedApp| ListedAppRow { app_name: app.name, pkg_name: app.package_name };
        Self {
            id: record.id.0,
            name: record.name,
            description: record.description,
            kind: record.kind.code(),
            platform_type: record.platform.code(),
            push_device_type: relationships.join(","),
            irre_push_flag: i16::from(!record.is_enabled),
            status: i16::from(record.is_enabled),
            create_time: record.created_at.timestamp_millis(),
            login_id: record.created_by,
            update_time: record.updated_at.timestamp_millis(),
            update_by: None,
            dist_type: 0,
            apps: record.listed.into_iter().map(app).collect(),
        }
    }
}
