//! Android's packages.

mod axml;
mod chunk;
mod icon;
mod manifest;
mod platform;
mod resources;
mod signing;
mod strings;
mod types;
mod value;

use std::io::{Read, Seek};

use crate::archive::{Archive, Entry};
use crate::{Package, PackageError, Platform, text};
use manifest::Manifest;
use resources::Resources;
use value::Value;

/// The entry that makes an archive an APK.
pub(crate) const MANIFEST: &str = "AndroidManifest.xml";
const RESOURCES: &str = "resources.arsc";
/// Bytes of a name or value in `<meta-data>`. Longer ones are left out: cut short, they could equal what they are not.
const MAX_METADATA: usize = 1024;

/// Reads the APK in `archive`, whose manifest is `manifest`.
pub(crate) fn read<R: Read + Seek>(archive: &mut Archive<'_, R>, manifest: &Entry) -> Result<Package, PackageError> {
    let limits = archive.limits();
    let signatures = signing::present(archive)?;
    let bytes = archive.read(manifest, MANIFEST, "bytes of AndroidManifest.xml", limits.max_manifest_bytes)?;
    let manifest = Manifest::parse(&bytes, limits, archive.meter())?;
    drop(bytes);
    let package_name = text::android_package(&manifest.package)
        .ok_or_else(|| PackageError::unparsable(MANIFEST, "its package name is none"))?;
    if !signatures.any() {
        return Err(PackageError::Unsigned { platform: Platform::Android });
    }

    let table = match archive.find(RESOURCES.as_bytes()) {
        Some(entry) => archive.read(&entry, RESOURCES, "bytes of resources.arsc", limits.max_resources_bytes)?,
        None => Vec::new(),
    };
    let resources = Resources::parse(&table, archive.meter())?;
    let version_code = manifest.version_code.to_string();
    let version_name = match resources.text_of(manifest.version_name.as_ref())? {
        Some(name) => text::version(&name)
            .ok_or_else(|| PackageError::unparsable(MANIFEST, "its version name is too long or not printable"))?,
        None => String::new(),
    };
    let label = resources.text_of(manifest.label.as_ref())?.map(|label| text::label(&label)).unwrap_or_default();
    Ok(Package {
        platform: Platform::Android,
        version_name: if version_name.is_empty() { version_code.clone() } else { version_name },
        version_code,
        label: if label.is_empty() { package_name.clone() } else { label },
        package_name,
        icon: icon::best(archive, &resources, &manifest)?,
        min_os_version: platform::release(manifest.min_sdk.as_ref()),
        signatures,
        provisioning: None,
        device_families: Vec::new(),
        entries: metadata(&manifest, &resources)?,
    })
}

fn metadata(manifest: &Manifest, resources: &Resources<'_>) -> Result<Vec<(String, String)>, PackageError> {
    let mut entries = Vec::new();
    for (name, value) in &manifest.metadata {
        let value = match value {
            Value::Reference(_) => resources.text_of(Some(value))?.unwrap_or_else(|| value.to_string()),
            _ => value.to_string(),
        };
        if name.len() <= MAX_METADATA && value.len() <= MAX_METADATA {
            entries.push((text::clean(name), text::clean(&value)));
        }
    }
    Ok(entries)
}
