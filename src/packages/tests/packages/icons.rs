//! Which bitmap becomes the icon, and what becomes of it.

use drover_packages::{Icon, Limits};
use std::io::Cursor;

use crate::build::apk::{self, ICON, text};
use crate::build::arsc::{Config, Table, Value as Resource};
use crate::build::axml::{Value, Xml};
use crate::build::images::{self, cgbi, decoded, pixels, png, webp};
use crate::build::zip::Entry;
use crate::measure::{MAX_MEMORY, read_from, read_good};

/// Densities, and the files for them.
type Files<'a> = &'a [(u16, &'a str, Vec<u8>)];

/// The icon of an application whose icon has these files, and the resource behind it these others.
fn icon(files: Files<'_>, others: Files<'_>) -> Option<Icon> {
    read_good(&application(files, others)).icon
}

fn application(files: Files<'_>, others: Files<'_>) -> Vec<u8> {
    let manifest = Xml::new(true)
        .start("manifest", &[("package", text("com.example.app"))])
        .start("application", &[("icon", Value::Reference(ICON))])
        .write();
    let mut zip = apk::signed(&manifest);
    let mut table = Table::new();
    let layers = files.iter().map(|file| (2, file)).chain(others.iter().map(|file| (3, file)));
    for (kind, (density, name, bytes)) in layers {
        let config = Config { density: *density, ..Config::default() };
        table = table.of(kind, config, &[Some(Resource::Text((*name).to_owned()))]);
        zip = zip.with(Entry::stored(name, bytes));
    }
    zip.with(Entry::stored("resources.arsc", &table.write())).write()
}

fn size(icon: Option<Icon>) -> Option<(u32, u32)> {
    icon.map(|icon| (icon.width, icon.height))
}

const ANY: u16 = 0xfffe;

#[test]
fn the_highest_density_wins() {
    let files = [(160, "a", png(48, 48)), (640, "b", png(192, 192)), (ANY, "c", png(10, 10)), (0, "d", png(49, 49))];
    assert_eq!(size(icon(&files, &[])), Some((192, 192)));
}

#[test]
fn a_bitmap_comes_out_pixel_by_pixel_and_nothing_else_does() {
    let icon = icon(&[(480, "a.png", [png(40, 30), b"<script>".to_vec()].concat())], &[]).unwrap();
    assert_eq!((icon.width, icon.height), (40, 30));
    assert_eq!(decoded(&icon.png), (40, 30, pixels(40, 30)));
    assert!(!icon.png.windows(8).any(|window| window == b"<script>"));
}

#[test]
fn webp_becomes_png() {
    let icon = icon(&[(480, "a.webp", webp(40, 30))], &[]).unwrap();
    assert_eq!(decoded(&icon.png), (40, 30, pixels(40, 30)));
}

#[test]
fn apples_png_becomes_a_standard_one() {
    let icon = icon(&[(480, "a.png", cgbi(40, 30))], &[]).unwrap();
    let (width, height, restored) = decoded(&icon.png);
    assert_eq!((width, height), (40, 30));
    // Multiplying by alpha loses the last bit of what is half transparent.
    let original = pixels(40, 30);
    let close = restored.iter().zip(&original).all(|(one, other)| one.abs_diff(*other) <= 1);
    assert!(close && restored[3] == original[3] && restored[7] == original[7]);
}

#[test]
fn an_adaptive_icon_gives_its_best_bitmap() {
    let adaptive = |inner: Xml| inner.end("foreground").end("adaptive-icon").write();
    let background = Xml::new(true)
        .start("adaptive-icon", &[])
        .start("background", &[("drawable", Value::Reference(0x7f09_0000))])
        .end("background");
    let direct = background.start("foreground", &[("drawable", Value::Reference(0x7f03_0000))]);
    let nested = Xml::new(true)
        .start("adaptive-icon", &[])
        .start("foreground", &[])
        .start("bitmap", &[("src", Value::Reference(0x7f03_0000))])
        .end("bitmap");
    for xml in [adaptive(direct), adaptive(nested)] {
        let foreground = [(480, "fg", png(108, 108))];
        let bitmap = [(ANY, "icon.xml", xml.clone()), (160, "icon.png", png(48, 48))];
        assert_eq!(size(icon(&bitmap, &foreground)), Some((48, 48)), "the icon's own bitmap first");
        assert_eq!(size(icon(&bitmap[..1], &foreground)), Some((108, 108)), "else that of its foreground");
    }
    let circle =
        Xml::new(true).start("adaptive-icon", &[]).start("foreground", &[("drawable", Value::Reference(ICON))]);
    assert_eq!(icon(&[(ANY, "icon.xml", adaptive(circle))], &[]), None);
}

#[test]
fn a_broken_icon_gives_way_to_the_next_best() {
    let whole = png(192, 192);
    let bad = [(640, "a", whole[..whole.len() / 2].to_vec()), (480, "b", b"GIF89a".to_vec()), (160, "c", png(48, 48))];
    assert_eq!(size(icon(&bad, &[])), Some((48, 48)));
    assert_eq!(icon(&bad[..2], &[]), None, "or none, and the package is good");
}

#[test]
fn images_that_claim_to_be_huge_are_left_out() {
    let header = |width: u32, height: u32| [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let claim = |width, height| {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let zeros = Entry::deflated("", &vec![0; 1_000_000]).bytes;
        file.extend(images::chunk(*b"IHDR", &header(width, height)));
        file.extend(images::chunk(*b"IDAT", &[&[0x78, 0x01], &zeros[..]].concat()));
        file
    };
    for (width, height) in [(1025, 1), (1, 1025), (0, 1), (60_000, 60_000), (u32::MAX, u32::MAX)] {
        assert_eq!(icon(&[(480, "a", claim(width, height))], &[]), None);
    }
    // An extended WebP says its size twice: small outside, huge in its frame.
    let frame = [&b"\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"[..], &[0; 64]].concat();
    let chunk = |kind: &[u8], bytes: &[u8]| [kind, &u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
    let body = [b"WEBP".to_vec(), chunk(b"VP8X", &[0, 0, 0, 0, 9, 0, 0, 9, 0, 0]), chunk(b"VP8 ", &frame)].concat();
    assert_eq!(icon(&[(480, "a", chunk(b"RIFF", &body))], &[]), None);
    let huge = [b"WEBP".to_vec(), chunk(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0])].concat();
    assert_eq!(icon(&[(480, "a", chunk(b"RIFF", &huge))], &[]), None);
}

/// Its decoder makes a table of 4 KB for each group of codes, and a group takes ten bytes.
#[test]
fn a_webp_of_tables_costs_what_is_allowed() {
    let webp = images::webp_of_tables(60_000);
    let (package, cost) = read_from(Cursor::new(application(&[(480, "a", webp)], &[])), &Limits::default());
    assert_eq!(package.unwrap().icon, None);
    assert!((10_000_000..40_000_000).contains(&cost.memory), "{cost:?}");
    assert_eq!(icon(&[(480, "a", images::webp_of_tables(2_000_000))], &[]), None);
}

#[test]
fn the_largest_allowed_icon_costs_what_is_allowed() {
    let side = Limits::default().max_icon_side;
    assert_eq!(size(icon(&[(480, "a", png(side, side))], &[])), Some((side, side)));
    // One of sixteen bits a channel is the dearest to decode.
    let mut deep = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut deep, side, side);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.set_depth(::png::BitDepth::Sixteen);
    encoder.write_header().unwrap().write_image_data(&vec![7; 8 * (side * side) as usize]).unwrap();
    assert_eq!(size(icon(&[(480, "a", deep)], &[])), Some((side, side)));
}

#[test]
fn an_icons_file_has_a_limit_too() {
    let large = [png(48, 48), vec![0; 3 << 20]].concat();
    assert_eq!(icon(&[(480, "a", large)], &[]), None);
    let zip = apk::whole().write();
    let (package, cost) = read_from(Cursor::new(&zip), &Limits { max_icon_bytes: 10, ..Limits::default() });
    assert_eq!(package.unwrap().icon, None);
    assert!(cost.memory < MAX_MEMORY);
}
