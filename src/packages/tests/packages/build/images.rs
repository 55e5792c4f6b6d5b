//! Images of a few known pixels.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use image_webp::{ColorType, WebPEncoder};

/// Pixels of red, green, blue and alpha, all of them different, a part of them transparent.
pub(crate) fn pixels(width: u32, height: u32) -> Vec<u8> {
    let byte = |number: u32| number.to_le_bytes()[0];
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| [byte(x * 7), byte(y * 11), byte(x + y), if x % 2 == 0 { 255 } else { 128 }]).collect()
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.add_text_chunk("Comment".into(), "not to be handed on".into()).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels(width, height)).unwrap();
    writer.finish().unwrap();
    file
}

pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    WebPEncoder::new(&mut file).encode(&pixels(width, height), width, height, ColorType::Rgba8).unwrap();
    file
}

/// A PNG as Xcode writes it, from the pixels of an ordinary one.
pub(crate) fn cgbi(width: u32, height: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    for row in pixels(width, height).chunks_exact(4 * width as usize) {
        rows.push(0);
        for pixel in row.chunks_exact(4) {
            let multiplied =
                |channel: u8| u8::try_from((u32::from(channel) * u32::from(pixel[3]) + 127) / 255).unwrap();
            rows.extend([multiplied(pixel[2]), multiplied(pixel[1]), multiplied(pixel[0]), pixel[3]]);
        }
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&rows).unwrap();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(*b"CgBI", &[0x50, 0, 0x20, 2]));
    file.extend(chunk(*b"IHDR", &header));
    // In two chunks, as large images are.
    let data = encoder.finish().unwrap();
    let (first, second) = data.split_at(data.len() / 2);
    file.extend([chunk(*b"IDAT", first), chunk(*b"IDAT", second), chunk(*b"IEND", &[])].concat());
    file
}

/// A chunk of a PNG.
pub(crate) fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &kind, content, &crc.sum().to_be_bytes()].concat()
}

/// The size and pixels of a PNG, with alpha.
pub(crate) fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgba);
    reader.finish().unwrap();
    assert!(reader.info().uncompressed_latin1_text.is_empty(), "a text was handed on");
    (frame.width, frame.height, pixels)
}

/// A lossless WebP of so many bytes, which asks for as many tables of codes as it can.
pub(crate) fn webp_of_tables(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // A size of four by four, no alpha, version 0; no transform; a cache of 1024 colours; groups for blocks of four.
    bits.write(&[(0x2f, 8), (3, 14), (3, 14), (0, 1), (0, 3), (0, 1), (1, 1), (10, 4), (1, 1), (0, 3)]);
    // The image that tells the groups: one pixel, of the last one.
    let single = |symbol| [(1, 1), (0, 1), (1, 1), (symbol, 8)];
    bits.write(&[(0, 1)]);
    for symbol in [255, 255, 0, 0, 0] {
        bits.write(&single(symbol));
    }
    while bits.bytes.len() < length {
        // Green: 1024 codes of ten bits, said by a code of one symbol. The others: one symbol each.
        bits.write(&[(0, 1), (10, 4)]);
        bits.write(&[(0, 3); 13]);
        bits.write(&[(1, 3), (1, 1), (4, 3), (1022, 10)]);
        bits.write(&[(1, 1), (0, 1), (0, 1), (0, 1)].repeat(4));
    }
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let body = [b"WEBPVP8L", &size(&bits.bytes)[..], &bits.bytes].concat();
    [b"RIFF", &size(&body)[..], &body].concat()
}

/// Numbers of some bits each, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn write(&mut self, numbers: &[(u64, u32)]) {
        for (number, width) in numbers {
            self.pending |= number << self.count;
            self.count += width;
            while self.count >= 8 {
                self.bytes.push(self.pending.to_le_bytes()[0]);
                self.pending >>= 8;
                self.count -= 8;
            }
        }
    }
}
