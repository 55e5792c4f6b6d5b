//! Icons, from whatever a package has to a standard PNG.
//!
//! A bitmap is always decoded and written anew. So what comes out is an image and nothing else, neither another file
//! behind it nor a text inside, and all viewers see the same.

mod cgbi;
mod png;
mod webp;

use crate::meter::Meter;
use crate::{Icon, Limits, PackageError};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What a byte of an image's file counts as work. Decoders cannot be asked on their way, so this is charged before.
const WORK_A_BYTE: usize = 16;

/// Pixels of eight bits a channel.
struct Bitmap {
    width: u32,
    height: u32,
    color: ::png::ColorType,
    pixels: Vec<u8>,
}

/// The icon in `bytes`: a PNG, one in Apple's variant, or a WebP. None if it is none of them, broken or too large.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, meter: &Meter<'_>) -> Result<Option<Icon>, PackageError> {
    meter.bytes(WORK_A_BYTE * bytes.len())?;
    let bitmap = if bytes.starts_with(PNG) {
        if cgbi::is(bytes) { cgbi::decode(bytes, limits) } else { png::decode(bytes, limits) }
    } else if webp::is(bytes) {
        webp::decode(bytes, limits)
    } else {
        return Ok(None);
    };
    let icon = bitmap.and_then(png::encode);
    Ok(icon)
}

/// For what may be broken without the package being so: None for an error that is the file's fault.
pub(crate) fn optional<T>(result: Result<T, PackageError>) -> Result<Option<T>, PackageError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_fault_of_file() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an icon of this size may be decoded.
fn fits(width: u32, height: u32, limits: &Limits) -> bool {
    let sides = 1..=limits.max_icon_side;
    sides.contains(&width) && sides.contains(&height)
}
