//! QR codes as images.

use std::ops::RangeInclusive;

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode, render::svg, types::QrError};

/// The sizes of an image in pixels. The largest code there is, with its margins, has 185 modules: it fits the smallest image.
pub(super) const SIZES: RangeInclusive<u32> = 200..=2000;
/// The size when the caller names none.
pub(super) const DEFAULT_SIZE: u32 = 400;
/// The white margin that the standard wants on every side, in modules.
const QUIET_ZONE: u32 = 4;
/// Pixels a module in an SVG, which is scaled anyway.
const SVG_MODULE: u32 = 8;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImageError {
    /// Longer than the largest code holds.
    #[error("the address does not fit a QR code: {0}")]
    Code(#[from] QrError),
    /// Could not be written.
    #[error("the image could not be written: {0}")]
    Png(#[from] png::EncodingError),
}

/// The code as an SVG.
pub(super) fn svg(content: &str) -> Result<String, ImageError> {
    let code = code(content)?;
    Ok(code.render::<svg::Color<'_>>().quiet_zone(true).module_dimensions(SVG_MODULE, SVG_MODULE).build())
}

/// The code as a PNG of so many pixels on each side, black on white: every module is as many whole pixels as fit, and what is
/// left widens the margin.
pub(super) fn png(content: &str, size: u32) -> Result<Vec<u8>, ImageError> {
    let code = code(content)?;
    let width = u32::try_from(code.width()).unwrap_or(u32::MAX);
    let scale = (size / (width + 2 * QUIET_ZONE)).max(1);
    let margin = size.saturating_sub(width * scale) / 2;
    let is_dark = |x: u32, y: u32| {
        let module = |at: u32| usize::try_from(at.checked_sub(margin)? / scale).ok().filter(|at| *at < code.width());
        module(x).zip(module(y)).is_some_and(|at| code[at] == Color::Dark)
    };
    let row_bytes = size.div_ceil(8);
    let mut pixels = Vec::new();
    for y in 0..size {
        // A byte is eight pixels, the first one highest; 1 is white.
        let byte = |index: u32| (0..8).fold(0, |byte, bit| byte << 1 | u8::from(!is_dark(8 * index + bit, y)));
        pixels.extend((0..row_bytes).map(byte));
    }
    let mut image = Vec::new();
    let mut encoder = Encoder::new(&mut image, size, size);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(image)
}

/// Error correction M: 15 % of a code may be dirt.
fn code(content: &str) -> Result<QrCode, QrError> {
    QrCode::with_error_correction_level(content, EcLevel::M)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark pixels of a PNG, row by row.
    fn pixels(image: &[u8]) -> (usize, Vec<Vec<bool>>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(image)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (ColorType::Grayscale, BitDepth::One));
        let is_dark = |row: &[u8], x: usize| row[x / 8] >> (7 - x % 8) & 1 == 0;
        let width = usize::try_from(info.width).unwrap();
        let rows = bytes.chunks(info.line_size).map(|row| (0..width).map(|x| is_dark(row, x)).collect());
        (width, rows.collect())
    }

    fn decoded(size: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(size, size, is_dark);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn an_image_of_every_size_says_the_same() {
        let content = "https://drover.example.com/get/AAECAwQFBgcICQoLDA0ODw";
        for size in [200, 201, 399, 400, 1001, 2000] {
            let (width, rows) = pixels(&png(content, size).unwrap());
            assert_eq!((width, rows.len()), (usize::try_from(size).unwrap(), width));
            assert_eq!(decoded(width, |x, y| rows[y][x]), content, "{size}");
        }
    }

    #[test]
    fn the_margin_is_four_modules_at_least() {
        let content = "https://drover.example.com/get/AAECAwQFBgcICQoLDA0ODw";
        let modules = code(content).unwrap().width();
        for size in [200, 347, 2000] {
            let (width, rows) = pixels(&png(content, size).unwrap());
            let module = width / (modules + 8);
            let first = rows.iter().position(|row| row.contains(&true)).unwrap();
            let last = rows.iter().rposition(|row| row.contains(&true)).unwrap();
            assert!(first >= 4 * module && width - 1 - last >= 4 * module, "{size}: {first} to {last}");
            let left = rows.iter().filter_map(|row| row.iter().position(|dark| *dark)).min().unwrap();
            let right = rows.iter().filter_map(|row| row.iter().rposition(|dark| *dark)).max().unwrap();
            assert!(left >= 4 * module && width - 1 - right >= 4 * module, "{size}: {left} to {right}");
        }
    }

    #[test]
    fn the_longest_content_fits_the_smallest_image() {
        // What a code of level M holds at the most.
        let longest = "x".repeat(2331);
        let (width, rows) = pixels(&png(&longest, *SIZES.start()).unwrap());
        let dark = |x: usize, y: usize| rows[y][x];
        let margin = (width - 177) / 2;
        let grid = rqrr::SimpleGrid::from_func(177, |x, y| dark(margin + x, margin + y));
        assert_eq!(rqrr::Grid::new(grid).decode().unwrap().1, longest);
        assert!(matches!(png(&"x".repeat(2332), 2000), Err(ImageError::Code(QrError::DataTooLong))));
    }
}
