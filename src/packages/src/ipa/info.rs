//! What an application's `Info.plist` says.

use super::INFO;
use crate::meter::Meter;
use crate::plist::{self, Value};
use crate::{DeviceFamily, Limits, PackageError, text};

/// Bytes of a value that is kept among the entries. Longer ones are left out: cut short, they could equal what they are
/// not.
const MAX_ENTRY: usize = 1024;
/// Names of icons that are kept.
const MAX_ICONS: usize = 16;
/// Where the names of icons are: those of iPads, those for all, and how it was before iOS 5.
const ICON_SETS: [&str; 2] = ["CFBundleIcons", "CFBundleIcons~ipad"];

/// The description, checked.
#[derive(Debug)]
pub(super) struct Info {
    pub(super) identifier: String,
    pub(super) version_name: String,
    pub(super) version_code: String,
    pub(super) label: String,
    pub(super) min_os_version: String,
    pub(super) device_families: Vec<DeviceFamily>,
    /// What the icons' files begin with.
    pub(super) icons: Vec<String>,
    pub(super) entries: Vec<(String, String)>,
}

impl Info {
    pub(super) fn parse(bytes: &[u8], limits: &Limits, meter: &Meter<'_>) -> Result<Self, PackageError> {
        let info = plist::parse(bytes, INFO, limits, meter)?;
        let broken = |reason| PackageError::unparsable(INFO, reason);
        // Versions that look like numbers are numbers in some lists.
        let text = |key| info.get(key).and_then(Value::scalar).unwrap_or_default();
        let identifier = text::bundle_identifier(&text("CFBundleIdentifier"))
            .ok_or_else(|| broken("its bundle identifier is none"))?;
        let version = |key| text::version(&text(key)).ok_or_else(|| broken("a version is too long or not printable"));
        let (name, code) = (version("CFBundleShortVersionString")?, version("CFBundleVersion")?);
        let (version_name, version_code) = match (name.is_empty(), code.is_empty()) {
            (true, true) => return Err(broken("it has no version")),
            (true, false) => (code.clone(), code),
            (false, true) => (name.clone(), name),
            (false, false) => (name, code),
        };
        let labels = ["CFBundleDisplayName", "CFBundleName"].map(|key| text::label(&text(key)));
        let label = labels.into_iter().find(|label| !label.is_empty()).unwrap_or_else(|| identifier.clone());
        Ok(Self {
            identifier,
            version_name,
            version_code,
            label,
            min_os_version: min_os_version(&text("MinimumOSVersion")),
            device_families: device_families(&info),
            icons: icons(&info),
            entries: entries(&info, limits.max_metadata),
        })
    }
}

fn min_os_version(version: &str) -> String {
    let dotted = version.len() <= 16
        && version.split('.').all(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit()));
    if dotted { version.to_owned() } else { String::new() }
}

/// An application that does not say it is for iPhones, which iPads run too.
fn device_families(info: &Value) -> Vec<DeviceFamily> {
    let numbers = match info.get("UIDeviceFamily") {
        Some(Value::Array(numbers)) => numbers.as_slice(),
        Some(number) => std::slice::from_ref(number),
        None => &[Value::Integer(1)],
    };
    // Some builders write the numbers as text.
    let has = |number: &str| numbers.iter().filter_map(Value::scalar).any(|found| found == number);
    let families = [("1", DeviceFamily::Iphone), ("2", DeviceFamily::Ipad)];
    families.into_iter().filter(|(number, _)| has(number)).map(|(_, family)| family).collect()
}

fn icons(info: &Value) -> Vec<String> {
    let sets = ICON_SETS.iter().filter_map(|key| info.get(key)?.get("CFBundlePrimaryIcon"));
    let of_sets = sets.filter_map(|primary| primary.get("CFBundleIconFiles"));
    let lists = of_sets.chain(info.get("CFBundleIconFiles")).flat_map(Value::values);
    let names = lists.chain(info.get("CFBundleIconFile")).filter_map(Value::string);
    let mut icons: Vec<String> = Vec::new();
    for name in names {
        let name = name.strip_suffix(".png").unwrap_or(name);
        // A name is a file's beside Info.plist, so it needs no path.
        if !name.is_empty() && !name.contains('/') && icons.len() < MAX_ICONS && !icons.iter().any(|icon| icon == name)
        {
            icons.push(name.to_owned());
        }
    }
    icons
}

fn entries(info: &Value, limit: usize) -> Vec<(String, String)> {
    let scalars = info.pairs().iter().filter_map(|(key, value)| Some((key, value.scalar()?)));
    scalars
        .filter(|(key, value)| key.len() <= MAX_ENTRY && value.len() <= MAX_ENTRY)
        .map(|(key, value)| (text::clean(key), text::clean(&value)))
        .take(limit)
        .collect()
}
