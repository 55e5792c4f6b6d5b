//! What `AndroidManifest.xml` says.

use super::MANIFEST;
use super::axml::{Document, Element, Event, Name};
use super::value::Value;
use crate::meter::Meter;
use crate::{Limits, PackageError};

const PACKAGE: Name = Name::Plain("package");
const LABEL: Name = Name::Android(0x0101_0001, "label");
const ICON: Name = Name::Android(0x0101_0002, "icon");
const NAME: Name = Name::Android(0x0101_0003, "name");
const VALUE: Name = Name::Android(0x0101_0024, "value");
const RESOURCE: Name = Name::Android(0x0101_0025, "resource");
const MIN_SDK: Name = Name::Android(0x0101_020c, "minSdkVersion");
const VERSION_CODE: Name = Name::Android(0x0101_021b, "versionCode");
const VERSION_NAME: Name = Name::Android(0x0101_021c, "versionName");
const ROUND_ICON: Name = Name::Android(0x0101_052c, "roundIcon");
const VERSION_CODE_MAJOR: Name = Name::Android(0x0101_0576, "versionCodeMajor");

/// The manifest as it is written: names are not checked and references not followed.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) package: String,
    pub(super) version_code: u64,
    pub(super) version_name: Option<Value>,
    pub(super) min_sdk: Option<Value>,
    pub(super) label: Option<Value>,
    /// The icon, then the round one.
    pub(super) icons: Vec<u32>,
    /// Names and values.
    pub(super) metadata: Vec<(String, Value)>,
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8], limits: &Limits, meter: &Meter<'_>) -> Result<Self, PackageError> {
        let mut document = Document::parse(bytes, MANIFEST, limits, meter)?;
        let mut manifest = None;
        let (mut in_application, mut applications) = (false, 0);
        while let Some(event) = document.next()? {
            let Event::Start(element) = event else { continue };
            match (element.depth, &mut manifest) {
                (0, None) if element.is("manifest") => manifest = Some(Self::root(&element)?),
                (0, _) => return Err(PackageError::unparsable(MANIFEST, "its root is not one <manifest>")),
                (1, Some(manifest)) => {
                    // As Android does it, a second application is passed over.
                    in_application = element.is("application") && applications == 0;
                    if in_application {
                        applications += 1;
                        manifest.application(&element);
                    } else if element.is("uses-sdk") {
                        manifest.min_sdk = element.attribute(MIN_SDK);
                    }
                }
                (2, Some(manifest)) if in_application && manifest.metadata.len() < limits.max_metadata => {
                    manifest.metadata.extend(metadata(&element));
                }
                _ => {}
            }
        }
        manifest.ok_or_else(|| PackageError::unparsable(MANIFEST, "it is empty"))
    }

    fn root(element: &Element<'_>) -> Result<Self, PackageError> {
        let number = |name| match element.attribute(name) {
            None => Ok(0),
            Some(Value::Integer(number)) => Ok(u64::from(number)),
            Some(_) => Err(PackageError::unparsable(MANIFEST, "its version code is no number")),
        };
        Ok(Self {
            package: element.text(PACKAGE),
            version_code: number(VERSION_CODE_MAJOR)? << 32 | number(VERSION_CODE)?,
            version_name: element.attribute(VERSION_NAME),
            ..Self::default()
        })
    }

    fn application(&mut self, element: &Element<'_>) {
        self.label = element.attribute(LABEL);
        self.icons = [ICON, ROUND_ICON]
            .into_iter()
            .filter_map(|name| match element.attribute(name)? {
                Value::Reference(id) => Some(id),
                _ => None,
            })
            .collect();
    }
}

fn metadata(element: &Element<'_>) -> Option<(String, Value)> {
    if !element.is("meta-data") {
        return None;
    }
    Some((element.text(NAME), element.attribute(VALUE).or_else(|| element.attribute(RESOURCE))?))
}
