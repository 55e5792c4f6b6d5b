//! Reads rows into client groups and versions.

use chrono::{DateTime, Utc};
use drover_domain::{
    ClientGroupId, ClientVersionId, OrganisationId, OrganisationPath, Os, TenantId, TerminalClass, UiFamily,
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{StoreError, UnknownWord, rows::word};

/// A client program for one operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGroup {
    /// Its id.
    pub id: ClientGroupId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The organisation that administers it.
    pub organisation: OrganisationId,
    /// Where that one stands.
    pub organisation_path: OrganisationPath,
    /// Its display name.
    pub name: String,
    /// What devices name it by, one of its kind in the tenant.
    pub group_code: String,
    /// Which terminals it is for.
    pub terminal_class: TerminalClass,
    /// Its labels.
    pub ui_family: UiFamily,
    /// What it runs on.
    pub os: Os,
    /// What its QR code downloads, as long as that version is not void.
    pub qr_version: Option<ClientVersionId>,
    /// The part of the QR code's address that nobody guesses.
    pub download_key: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// Columns of [`group`], from [`groups!`].
macro_rules! group_columns {
    () => {
        "g.id, g.tenant_id, g.organisation_id, o.path, g.name, g.group_code, g.terminal_class, g.ui_family, g.os, \
         q.id AS qr_version_id, g.download_key, g.created_at, g.updated_at"
    };
}
pub(super) use group_columns;

/// The groups, as `g`, each with its organisation, as `o`, and what its QR code downloads, as `q`.
macro_rules! groups {
    () => {
        " FROM client_groups g JOIN organisations o ON o.id = g.organisation_id
          LEFT JOIN client_versions q ON q.id = g.qr_version_id AND q.void_at IS NULL "
    };
}
pub(super) use groups;

pub(super) fn group(row: &Row) -> Result<ClientGroup, StoreError> {
    Ok(ClientGroup {
        id: ClientGroupId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        organisation: OrganisationId(row.get("organisation_id")),
        organisation_path: word(row, "path", OrganisationPath::parse)?,
        name: row.get("name"),
        group_code: row.get("group_code"),
        terminal_class: word(row, "terminal_class", TerminalClass::parse)?,
        ui_family: word(row, "ui_family", |text| UiFamily::parse(text).ok())?,
        os: os(row)?,
        qr_version: row.get::<_, Option<i64>>("qr_version_id").map(ClientVersionId),
        download_key: row.get("download_key"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

/// A version of a client program, and what its group says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientVersion {
    /// Its id.
    pub id: ClientVersionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The program that it is a version of.
    pub group: ClientGroupId,
    /// Its file.
    pub file: Uuid,
    /// The file of its icon.
    pub icon: Option<Uuid>,
    /// Its package.
    pub package_name: String,
    /// The name of its file, as its uploader gives it.
    pub app_name: String,
    /// Its number: a higher one is newer.
    pub version_code: i32,
    /// Its number as people write it.
    pub version_name: String,
    /// Length of its file in bytes.
    pub size_bytes: i64,
    /// What is new in it.
    pub update_info: String,
    /// Free text.
    pub remark: String,
    /// When it was uploaded or withdrawn.
    pub updated_at: DateTime<Utc>,
    /// Whether it was withdrawn.
    pub is_void: bool,
    /// What its program runs on.
    pub os: Os,
    /// Its program's labels.
    pub ui_family: UiFamily,
    /// The code of the organisation that administers its program.
    pub organisation_code: String,
    /// Where that organisation stands.
    pub organisation_path: OrganisationPath,
}

/// Columns of [`version`], from [`versions!`].
macro_rules! version_columns {
    () => {
        "v.id, v.tenant_id, v.group_id, v.file_id, v.icon_id, v.package_name, v.app_name, v.version_code, \
         v.version_name, f.size_bytes, v.update_info, v.remark, v.updated_at, v.void_at IS NOT NULL AS is_void, g.os, \
         g.ui_family, o.code AS organisation_code, o.path"
    };
}
pub(super) use version_columns;

/// The versions, as `v`, each with its group, as `g`, that one's organisation, as `o`, and its file, as `f`.
macro_rules! versions {
    () => {
        " FROM client_versions v JOIN client_groups g ON g.id = v.group_id
          JOIN organisations o ON o.id = g.organisation_id JOIN files f ON f.id = v.file_id "
    };
}
pub(super) use versions;

pub(super) fn version(row: &Row) -> Result<ClientVersion, StoreError> {
    Ok(ClientVersion {
        id: ClientVersionId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        group: ClientGroupId(row.get("group_id")),
        file: row.get("file_id"),
        icon: row.get("icon_id"),
        package_name: row.get("package_name"),
        app_name: row.get("app_name"),
        version_code: row.get("version_code"),
        version_name: row.get("version_name"),
        size_bytes: row.get("size_bytes"),
        update_info: row.get("update_info"),
        remark: row.get("remark"),
        updated_at: row.get("updated_at"),
        is_void: row.get("is_void"),
        os: os(row)?,
        ui_family: word(row, "ui_family", |text| UiFamily::parse(text).ok())?,
        organisation_code: row.get("organisation_code"),
        organisation_path: word(row, "path", OrganisationPath::parse)?,
    })
}

fn os(row: &Row) -> Result<Os, UnknownWord> {
    let code: i32 = row.get("os");
    Os::from_code(code).ok_or_else(|| UnknownWord { column: "os", word: code.to_string() })
}
