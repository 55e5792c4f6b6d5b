//! iOS' packages.

mod icon;
mod info;
mod profile;

use std::io::{Read, Seek};

use crate::archive::Archive;
use crate::{Package, PackageError, Platform, Signatures};
use info::Info;

const PAYLOAD: &[u8] = b"Payload/";
const BUNDLE: &[u8] = b".app/";
const INFO: &str = "Info.plist";
const PROFILE: &str = "embedded.mobileprovision";
/// The sums over every file of the application, which its signature covers.
const CODE_RESOURCES: &str = "_CodeSignature/CodeResources";

/// The folder of the archive's application, such as `Payload/Mail.app/`. None if this is no IPA.
pub(crate) fn bundle<R: Read + Seek>(archive: &Archive<'_, R>) -> Result<Option<Vec<u8>>, PackageError> {
    let mut bundles = archive.names(PAYLOAD).filter_map(|name| {
        let folder = name.strip_suffix(INFO.as_bytes())?;
        let inner = folder.strip_prefix(PAYLOAD)?.strip_suffix(BUNDLE)?;
        (!inner.is_empty() && !inner.contains(&b'/')).then_some(folder)
    });
    let first = bundles.next().map(<[u8]>::to_vec);
    if bundles.next().is_some() {
        return Err(PackageError::unparsable("the IPA's Payload", "it has more than one application"));
    }
    Ok(first)
}

/// Reads the IPA in `archive`, whose application is in the folder `bundle`.
pub(crate) fn read<R: Read + Seek>(archive: &mut Archive<'_, R>, bundle: &[u8]) -> Result<Package, PackageError> {
    let limits = archive.limits();
    let missing = || PackageError::unparsable(INFO, "it is missing");
    let entry = archive.find(&[bundle, INFO.as_bytes()].concat()).ok_or_else(missing)?;
    let bytes = archive.read(&entry, INFO, "bytes of Info.plist", limits.max_manifest_bytes)?;
    let info = Info::parse(&bytes, limits, archive.meter())?;
    drop(bytes);

    // Only what was signed has the sums. The signature itself is inside of the program, and the device's to verify.
    if archive.find(&[bundle, CODE_RESOURCES.as_bytes()].concat()).is_none() {
        return Err(PackageError::Unsigned { platform: Platform::Ios });
    }
    let provisioning = match archive.find(&[bundle, PROFILE.as_bytes()].concat()) {
        Some(entry) => {
            let bytes =
                archive.read(&entry, PROFILE, "bytes of the provisioning profile", limits.max_manifest_bytes)?;
            Some(profile::parse(&bytes, limits, archive.meter())?)
        }
        None => None,
    };
    Ok(Package {
        platform: Platform::Ios,
        icon: icon::best(archive, bundle, &info.icons)?,
        package_name: info.identifier,
        version_name: info.version_name,
        version_code: info.version_code,
        label: info.label,
        min_os_version: info.min_os_version,
        signatures: Signatures::default(),
        provisioning,
        device_families: info.device_families,
        entries: info.entries,
    })
}
