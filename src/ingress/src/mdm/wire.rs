//! Client groups and versions on the wire, with the document's names: what is sent, and what is answered.
//!
//! What a caller may not set (ids, times, what is deprecated) is not read at all: the document's own requests are full of it.

use drover_domain::{Os, TerminalClass, UiFamily};
use drover_service::{NewClientGroup, NewClientVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::errors::WebError;
use crate::json::{number, string};

/// What a device is told that asks for the newest version when there is none for it: `{}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

/// A client group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupView {
    /// Its id.
    #[schema(example = "17")]
    pub id: String,
    /// Its display name.
    pub name: String,
    /// What devices name it by.
    pub group_code: String,
    /// 0 direct terminal, 1 extended terminal.
    #[schema(example = "0")]
    pub terminal_class: &'static str,
    /// Up to five labels, with commas between them.
    #[schema(example = "COPE,BYOD")]
    pub ui_family: String,
    /// 51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony.
    #[schema(example = 51201)]
    pub os: i32,
    /// When it was made, in the tenant's time.
    #[schema(example = "2023-06-25 18:30:00")]
    pub create_time: String,
    /// When it was changed last, in the tenant's time.
    #[schema(example = "2023-06-25 18:30:00")]
    pub update_time: String,
    /// The version that the QR code downloads; empty when there is none.
    pub app_version_id: String,
    /// The image of the QR code; empty when there is none.
    pub qr_code_url: String,
}

/// A version of a client group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionView {
    /// Its id.
    #[schema(example = "17")]
    pub id: String,
    /// Its file.
    pub app_file_uuid: String,
    /// Its package.
    pub package_name: String,
    /// The name of its file.
    pub app_name: String,
    /// The file of its icon; empty when it has none.
    pub app_icon_uuid: String,
    /// Deprecated: that of the group.
    pub os: i32,
    /// Its number: a higher one is newer.
    pub app_version_code: i32,
    /// Its number as people write it.
    pub app_version_name: String,
    /// Length of its file in bytes.
    pub app_size: i64,
    /// When it was uploaded or withdrawn, in the tenant's time.
    #[schema(example = "2023-06-25 18:30:00")]
    pub update_time: String,
    /// What is new in it.
    pub update_info: String,
    /// Deprecated: the labels of the group.
    pub app_ui_family: String,
    /// Deprecated: the code of the organisation whose group it is.
    pub org_code: String,
    /// Deprecated: the tenant.
    pub tenant_id: String,
    /// Free text.
    pub remark: String,
    /// Deprecated: always false.
    pub default: bool,
    /// Deprecated, but for a device that asks: whether a distribution wants it installed without asking.
    pub force_update: bool,
    /// 1 normal, 0 void.
    #[schema(example = "1")]
    pub status: &'static str,
    /// The group.
    pub group_id: String,
}

/// A group and versions of it, as devices see them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupVersions {
    /// The group; null when there is none for this device.
    pub mdm_client_app_group: Option<GroupView>,
    /// The versions, newest first.
    pub mdm_client_app_infos: Vec<VersionView>,
}

/// What there is for a device that asks by package: the newest version, or `{}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // one of it a call, and soon gone
pub(super) enum NewestVersion {
    /// The version.
    Version(VersionView),
    /// There is none.
    Nothing(Empty),
}

/// A group to be made, with its first versions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"mdmClientAppGroup": {
    "name": "Kiosk", "groupCode": "kiosk", "terminalClass": "0", "uiFamily": "COPE,BYOD", "os": 51201}}))]
pub(super) struct NewGroupBody {
    /// The group.
    #[schema(required = true)]
    mdm_client_app_group: Option<GroupBody>,
    /// Its first versions.
    mdm_client_app_infos: Option<Vec<VersionBody>>,
}

/// A group to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupBody {
    /// Its display name.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "Kiosk")]
    name: Option<String>,
    /// What devices name it by, one of its kind in the tenant.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "kiosk")]
    group_code: Option<String>,
    /// 0 direct terminal, 1 extended terminal.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "0")]
    terminal_class: Option<String>,
    /// Up to five labels of up to ten characters, with commas between them.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "COPE,BYOD")]
    ui_family: Option<String>,
    /// 51201 Android, 51202 iOS, 51203 Windows, 51205 Harmony.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, example = 51201)]
    os: Option<i64>,
}

/// A version to be added to a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionBody {
    /// Its file, which was uploaded before.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "efdc2719-31ee-4170-aaf8-9371907d49a6")]
    app_file_uuid: Option<String>,
    /// Its package; all versions of a group have the same.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "com.example.agent")]
    package_name: Option<String>,
    /// The name of its file; unless given, the one it was uploaded under.
    #[serde(default, deserialize_with = "string")]
    app_name: Option<String>,
    /// The file of its icon.
    #[serde(default, deserialize_with = "string")]
    app_icon_uuid: Option<String>,
    /// Its number, above 0: a higher one is newer.
    #[serde(default, deserialize_with = "number")]
    #[schema(required = true, example = 3)]
    app_version_code: Option<i64>,
    /// Its number as people write it.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "3.0")]
    app_version_name: Option<String>,
    /// Length of its file in bytes; a wrong one is refused.
    #[serde(default, deserialize_with = "number")]
    app_size: Option<i64>,
    /// What is new in it.
    #[serde(default, deserialize_with = "string")]
    update_info: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    remark: Option<String>,
}

impl NewGroupBody {
    /// What is to be made, in Drover's words.
    pub(super) fn read(self) -> Result<(NewClientGroup, Vec<NewClientVersion>), WebError> {
        let group = self.mdm_client_app_group.ok_or_else(|| WebError::invalid("mdmClientAppGroup", "is missing"))?;
        let versions = self.mdm_client_app_infos.unwrap_or_default();
        let versions = versions.into_iter().enumerate();
        Ok((
            group.read("mdmClientAppGroup.")?,
            versions.map(|(n, version)| version.read(&format!("mdmClientAppInfos[{n}]."))).collect::<Result<_, _>>()?,
        ))
    }
}

impl GroupBody {
    /// What is to be made, in Drover's words; `at` is where the body stands.
    fn read(self, at: &str) -> Result<NewClientGroup, WebError> {
        let class = required(at, "terminalClass", self.terminal_class)?;
        let os = self.os.ok_or_else(|| invalid(at, "os", "is missing"))?;
        let labels = self.ui_family.unwrap_or_default();
        Ok(NewClientGroup {
            name: required(at, "name", self.name)?,
            group_code: required(at, "groupCode", self.group_code)?,
            terminal_class: TerminalClass::parse(&class)
                .ok_or_else(|| invalid(at, "terminalClass", TERMINAL_CLASSES))?,
            ui_family: UiFamily::parse(&labels).map_err(|error| invalid(at, "uiFamily", &error.to_string()))?,
            os: i32::try_from(os).ok().and_then(Os::from_code).ok_or_else(|| invalid(at, "os", OSES))?,
        })
    }
}

impl VersionBody {
    /// What is to be added, in Drover's words; `at` is where the body stands.
    pub(super) fn read(self, at: &str) -> Result<NewClientVersion, WebError> {
        let code = self.app_version_code.ok_or_else(|| invalid(at, "appVersionCode", "is missing"))?;
        let out_of_range = |_| invalid(at, "appVersionCode", "is no 32-bit number");
        Ok(NewClientVersion {
            file: uuid(at, "appFileUuid", &required(at, "appFileUuid", self.app_file_uuid)?)?,
            icon: optional(self.app_icon_uuid).map(|icon| uuid(at, "appIconUuid", &icon)).transpose()?,
            package_name: required(at, "packageName", self.package_name)?,
            app_name: optional(self.app_name),
            version_code: i32::try_from(code).map_err(out_of_range)?,
            version_name: required(at, "appVersionName", self.app_version_name)?,
            size_bytes: self.app_size,
            update_info: optional(self.update_info).unwrap_or_default(),
            remark: optional(self.remark).unwrap_or_default(),
        })
    }
}

/// What a terminal class must be.
pub(super) const TERMINAL_CLASSES: &str = "is 0 (direct) or 1 (extended)";
/// What an operating system must be.
pub(super) const OSES: &str = "is one of 51201 (Android), 51202 (iOS), 51203 (Windows), 51205 (Harmony)";

fn invalid(at: &str, field: &str, reason: &str) -> WebError {
    WebError::invalid(&format!("{at}{field}"), reason)
}

/// A text without blanks around it, or `None` when nothing is left.
fn optional(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn required(at: &str, field: &str, text: Option<String>) -> Result<String, WebError> {
    optional(text).ok_or_else(|| invalid(at, field, "is missing"))
}

fn uuid(at: &str, field: &str, text: &str) -> Result<Uuid, WebError> {
    Uuid::parse_str(text).map_err(|_| invalid(at, field, "is no UUID"))
}
