//! The best bitmap of an IPA's icon.

use std::cmp::Reverse;
use std::io::{Read, Seek};

use crate::archive::Archive;
use crate::{Icon, PackageError, icon};

/// Files that are looked at, at most.
const MAX_FILES: usize = 8;
/// What Xcode calls icons, for applications that do not name theirs.
const USUAL: &str = "AppIcon";
/// The large icon that iTunes put beside the application.
const ARTWORK: &[u8] = b"iTunesArtwork";

/// The largest icon of those that begin with one of `names`; failing these, the one of iTunes. An icon that cannot be shown
/// is no reason to refuse the application.
pub(super) fn best<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    bundle: &[u8],
    names: &[String],
) -> Result<Option<Icon>, PackageError> {
    let usual = [USUAL.to_owned()];
    let names = if names.is_empty() { &usual } else { names };
    let mut files: Vec<Vec<u8>> = Vec::new();
    for name in names {
        let prefix = [bundle, name.as_bytes()].concat();
        let icons = archive.names(&prefix).filter(|file| is_variant(&file[prefix.len()..])).take(MAX_FILES);
        files.extend(icons.map(<[u8]>::to_vec));
    }
    files.sort_by_cached_key(|file| Reverse(pixels(&file[bundle.len()..])));
    files.dedup();
    files.truncate(MAX_FILES);
    files.push(ARTWORK.to_vec());
    let limit = archive.limits().max_icon_bytes;
    for file in files {
        let Some(entry) = archive.find(&file) else { continue };
        let Some(bytes) = icon::optional(archive.read(&entry, "the icon", "bytes of the icon", limit))? else {
            continue;
        };
        if let Some(icon) = icon::decode(&bytes, archive.limits(), archive.meter())? {
            return Ok(Some(icon));
        }
    }
    Ok(None)
}

/// Whether this is what may follow an icon's name: `.png`, `@2x.png`, `60x60@3x~ipad.png`. Not all that begins alike is a
/// variant: `Icon` is no part of `IconBackground`.
fn is_variant(suffix: &[u8]) -> bool {
    let Some(variant) = suffix.strip_suffix(b".png") else { return false };
    let variant = variant.strip_suffix(b"~ipad").or_else(|| variant.strip_suffix(b"~iphone")).unwrap_or(variant);
    variant.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'x' | b'@' | b'.' | b'-'))
}

/// The width that a file's name promises: the last number before the scale, times the scale. Ranks without opening.
fn pixels(file: &[u8]) -> u32 {
    let name = String::from_utf8_lossy(file);
    let (base, scale) = match name.split_once('@') {
        Some((base, scale)) => (base, scale.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or(1)),
        None => (name.as_ref(), 1),
    };
    let points = base.rsplit(|each: char| !each.is_ascii_digit()).find(|digits| !digits.is_empty());
    // Without a number it is the classic icon of an iPhone.
    points.and_then(|digits| digits.parse().ok()).unwrap_or(57u32).saturating_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_rank_by_the_pixels_they_promise() {
        let names = ["Icon.png", "AppIcon60x60@2x.png", "AppIcon76x76@2x~ipad.png", "AppIcon60x60@3x.png", "a167.png"];
        let ranks = [57, 120, 152, 180, 167];
        assert_eq!(names.map(|name| pixels(name.as_bytes())), ranks);
    }

    #[test]
    fn only_variants_of_a_name_are_icons() {
        for suffix in [".png", "@2x.png", "60x60@3x~ipad.png", "-72@2x.png", "83.5x83.5@2x~ipad.png"] {
            assert!(is_variant(suffix.as_bytes()), "{suffix}");
        }
        for suffix in ["Background.png", ".jpg", "/a.png", ""] {
            assert!(!is_variant(suffix.as_bytes()), "{suffix}");
        }
    }
}
