//! The best bitmap of an APK's icon.

use std::collections::VecDeque;
use std::io::{Read, Seek};

use super::axml::{Document, Event, Name};
use super::manifest::Manifest;
use super::resources::Resources;
use super::value::Value;
use crate::archive::Archive;
use crate::meter::Meter;
use crate::{Icon, Limits, PackageError, icon};

/// Files that are looked at, at most.
const MAX_FILES: usize = 8;
const PART: &str = "the icon";
const DRAWABLE: Name = Name::Android(0x0101_0199, "drawable");
const SOURCE: Name = Name::Android(0x0101_0119, "src");

/// The icon's bitmap of the highest density, or the round icon's, or that of an adaptive icon's foreground. A vector is
/// drawn by the device alone. An icon that cannot be shown is no reason to refuse the application.
pub(super) fn best<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    resources: &Resources<'_>,
    manifest: &Manifest,
) -> Result<Option<Icon>, PackageError> {
    let mut pending: VecDeque<u32> = manifest.icons.iter().copied().collect();
    let mut files_left = MAX_FILES;
    while let Some(id) = pending.pop_front() {
        for path in resources.files_of(id)? {
            if files_left == 0 {
                return Ok(None);
            }
            files_left -= 1;
            let Some(bytes) = bytes(archive, &path)? else { continue };
            if let Some(icon) = icon::decode(&bytes, archive.limits(), archive.meter())? {
                return Ok(Some(icon));
            }
            pending.extend(foreground(&bytes, archive.limits(), archive.meter())?);
        }
    }
    Ok(None)
}

fn bytes<R: Read + Seek>(archive: &mut Archive<'_, R>, path: &str) -> Result<Option<Vec<u8>>, PackageError> {
    let Some(entry) = archive.find(path.as_bytes()) else { return Ok(None) };
    let limit = archive.limits().max_icon_bytes;
    icon::optional(archive.read(&entry, PART, "bytes of the icon", limit))
}

/// What an adaptive icon, a bit of XML, shows before its background: itself, or by the first element in it.
fn foreground(bytes: &[u8], limits: &Limits, meter: &Meter<'_>) -> Result<Option<u32>, PackageError> {
    let Some(mut document) = icon::optional(Document::parse(bytes, PART, limits, meter))? else { return Ok(None) };
    let mut inside = false;
    while let Some(Some(event)) = icon::optional(document.next())? {
        let Event::Start(element) = event else { continue };
        // Layers are the root's children; deeper ones belong to the layer above.
        inside = match element.depth {
            0 => false,
            1 => element.is("foreground"),
            _ => inside,
        };
        if !inside {
            continue;
        }
        for name in [DRAWABLE, SOURCE] {
            if let Some(Value::Reference(id)) = element.attribute(name) {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}
