//! What a device has installed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    DecodeError, InvalidMessage,
    checks::{CODE_MAX_CHARS, NAME_MAX_CHARS, TIMES, short_text, within},
    decode::{read_each, read_object},
};

/// The body of `PUT /device/v1/apps`: every application that the device has, whoever brought it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceInventory {
    /// The version of the device's operating system, at most 64 characters. What is not said stays as it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::code"))]
    pub os_version: Option<String>,
    /// The applications, each package once; what is not among them is not on the device.
    #[cfg_attr(feature = "schema", schemars(length(max = 2000)))]
    pub apps: Vec<InstalledApp>,
}

/// An application on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstalledApp {
    /// What the operating system knows it by, 1 to 256 characters.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::package_name"))]
    pub package_name: String,
    /// What people know it by, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::name_text"))]
    pub name: Option<String>,
    /// The version as people read it, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::name_text"))]
    pub version_name: Option<String>,
    /// The version as a number that grows, where the operating system has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::optional_amount"))]
    pub version_code: Option<i64>,
    /// How much room it takes, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::optional_amount"))]
    pub size_bytes: Option<i64>,
}

impl DeviceInventory {
    /// The most applications in one body.
    pub const MAX_APPS: usize = 2000;

    /// Reads the body. An application that cannot be read refuses them all; the error says which.
    pub fn from_body(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(default)]
            os_version: Option<String>,
            #[serde(borrow)]
            apps: Vec<&'a RawValue>,
        }
        let Raw { os_version, apps } = read_object(bytes)?;
        short_text("os_version", os_version.as_deref(), CODE_MAX_CHARS)?;
        if apps.len() > Self::MAX_APPS {
            return Err(InvalidMessage::TooMany { field: "apps", found: apps.len(), max: Self::MAX_APPS }.into());
        }
        let apps = read_each(&apps, |app| {
            let app: InstalledApp = read_object(app)?;
            app.check()?;
            Ok(app)
        })?;
        Ok(Self { os_version, apps })
    }
}

impl InstalledApp {
    fn check(&self) -> Result<(), InvalidMessage> {
        if self.package_name.is_empty() {
            return Err(InvalidMessage::Empty { field: "package_name" });
        }
        short_text("package_name", Some(&self.package_name), NAME_MAX_CHARS)?;
        short_text("name", self.name.as_deref(), NAME_MAX_CHARS)?;
        short_text("version_name", self.version_name.as_deref(), NAME_MAX_CHARS)?;
        within("version_code", self.version_code.unwrap_or_default(), TIMES)?;
        within("size_bytes", self.size_bytes.unwrap_or_default(), TIMES)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        DeviceInventory::from_body(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_device_may_have_many_applications_or_none() {
        let app = r#"{"package_name":"a.b"}"#;
        let body = |count: usize| format!(r#"{{"apps":[{}]}}"#, vec![app; count].join(","));
        assert_eq!(DeviceInventory::from_body(body(0).as_bytes()).unwrap(), DeviceInventory::default());
        let most = DeviceInventory::from_body(body(DeviceInventory::MAX_APPS).as_bytes()).unwrap();
        assert_eq!(most.apps.len(), 2000);
        assert!(refused(&body(2001)).contains("apps has 2001 entries; at most 2000 are allowed"));
    }

    #[test]
    fn a_refusal_says_which_application_and_which_field() {
        for (app, said) in [
            (r#"{"name":"x"}"#, "missing field `package_name`"),
            (r#"{"package_name":""}"#, "package_name is empty"),
            (r#"{"package_name":"a\u0000"}"#, "package_name holds a NUL"),
            (r#"{"package_name":"a","version_code":-1}"#, "version_code is -1, which is not from 0"),
            (r#"{"package_name":"a","version_code":"7"}"#, "version_code: invalid type"),
            (r#"["a"]"#, "not a JSON object"),
        ] {
            let text = refused(&format!(r#"{{"apps":[{{"package_name":"ok"}},{app}]}}"#));
            assert!(text.starts_with("[1]: ") && text.contains(said), "{text}");
        }
        assert!(refused(r#"{"os_version":"13"}"#).contains("missing field `apps`"));
        assert!(refused(r#"{"os_version":13,"apps":[]}"#).contains("os_version: invalid type"));
    }
}
