//! Applications as devices are told of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    InvalidMessage,
    checks::{AMOUNTS, IDS, MD5_DIGITS, SHA256_DIGITS, hash, within},
};

/// A release of an application as a device needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApplicationFile {
    /// The application.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub application_id: i64,
    /// Its name, as people read it.
    pub name: String,
    /// What the operating system knows it by; of an application of the store, `id` and its number there.
    pub package_name: String,
    /// The version, as people read it.
    pub version_name: String,
    /// The version as the package says; of iOS it need not be a number.
    pub version_code: String,
    /// The lowest version of the operating system that it runs on; empty when nothing is said.
    pub min_os_version: String,
    /// The package; absent when the store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PackageFile>,
    /// Where the store has it; absent when there is a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreApplication>,
}

/// A package to download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackageFile {
    /// Where to download it; expires.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::url"))]
    pub url: String,
    /// What the file is called.
    pub file_name: String,
    /// Length in bytes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::amount"))]
    pub size_bytes: i64,
    /// SHA-256 of the file, lower-case hexadecimal.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::sha256"))]
    pub sha256: String,
    /// MD5 of the file, for devices that know nothing better.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::md5"))]
    pub md5: String,
}

/// An application of the store, which the device fetches there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoreApplication {
    /// Its number in the store.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub itunes_store_id: i64,
    /// Its page in the store.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::url"))]
    pub url: String,
}

/// How an application is installed and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(clippy::struct_excessive_bools, reason = "independent settings, each with a name of its own on the wire")]
pub struct InstallOptions {
    /// Whether it is installed at once; otherwise it is an offer that the device's user takes up or not.
    pub required: bool,
    /// Whether the device's user is told.
    pub notify: bool,
    /// Whether it is brought back when the device removes it.
    pub essential: bool,
    /// Whether it is to be removed when the device leaves.
    pub remove_on_exit: bool,
    /// Whether it is downloaded over Wi-Fi alone. Android.
    pub wifi_only: bool,
    /// Whether it is put into the Knox container. Android.
    pub into_knox: bool,
    /// Whether its data are kept out of backups. iOS.
    pub prevent_backup: bool,
    /// Settings for the application, an object that Drover hands on as it is; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Map<String, Value>>,
}

impl ApplicationFile {
    pub(super) fn check(&self) -> Result<(), InvalidMessage> {
        within("application.application_id", self.application_id, IDS)?;
        if let Some(file) = &self.file {
            within("application.file.size_bytes", file.size_bytes, AMOUNTS)?;
            hash("application.file.sha256", &file.sha256, SHA256_DIGITS)?;
            hash("application.file.md5", &file.md5, MD5_DIGITS)?;
        }
        match &self.store {
            Some(store) => within("application.store.itunes_store_id", store.itunes_store_id, IDS),
            None => Ok(()),
        }
    }
}
