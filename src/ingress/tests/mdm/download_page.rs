//! QR codes, what they lead to, and what iOS installs from.

use std::{
    io::{Cursor, Write as _},
    process::{Command, Stdio},
};

use http::{HeaderMap, HeaderName, StatusCode, header};
use plist::Value;

use crate::{stored::PUBLIC_URL, world::World};

const ANDROID: i32 = 51201;
const IOS: i32 = 51202;

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// What a reader of QR codes says of black and white.
fn decoded(size: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    let mut image = rqrr::PreparedImage::prepare_from_bitmap(size, size, is_dark);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

fn decoded_png(image: &[u8]) -> (usize, String) {
    let mut reader = png::Decoder::new(Cursor::new(image)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(
        (info.color_type, info.bit_depth, info.width),
        (png::ColorType::Grayscale, png::BitDepth::One, info.height)
    );
    let size = usize::try_from(info.width).unwrap();
    let said = decoded(size, |x, y| bytes[y * info.line_size + x / 8] >> (7 - x % 8) & 1 == 0);
    (size, said)
}

/// Draws the rectangles `M{left} {top}h{width}v{height}…` of an SVG.
fn decoded_svg(svg: &str) -> String {
    let size: usize = svg.split_once("viewBox=\"0 0 ").unwrap().1.split_once(' ').unwrap().0.parse().unwrap();
    let path = svg.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
    let mut dark = vec![false; size * size];
    for rectangle in path.split('M').skip(1) {
        let numbers: Vec<usize> =
            rectangle.split([' ', 'h', 'v', 'H', 'V']).map(|number| number.parse().unwrap()).collect();
        let [left, top, width, height, back, up] = numbers[..] else { panic!("{rectangle}") };
        assert_eq!((back, up), (left, top));
        for y in top..top + height {
            dark[y * size + left..y * size + left + width].fill(true);
        }
    }
    decoded(size, |x, y| dark[y * size + x])
}

#[tokio::test]
async fn a_code_holds_the_address_that_downloads_the_file() {
    let world = World::new().await;
    let file = world.file("upload.apk", b"android bytes").await;
    let key = world.group(ANDROID, &file, "Fish 鱼.apk", None).await;
    let address = format!("{PUBLIC_URL}/get/{key}");
    assert_eq!(world.service.qr_code_url(&key), format!("{address}/qr.png"));
    for (query, expected) in [("", 400), ("?size=200", 200), ("?size=1234", 1234)] {
        let (status, headers, image) = world.get(&format!("{}{query}", world.service.qr_code_url(&key))).await;
        assert_eq!((status, text(&headers, &header::CONTENT_TYPE)), (StatusCode::OK, "image/png"));
        assert_eq!(decoded_png(&image), (expected, address.clone()));
    }
    let (status, headers, svg) = world.get(&format!("{address}/qr.svg")).await;
    assert_eq!((status, text(&headers, &header::CONTENT_TYPE)), (StatusCode::OK, "image/svg+xml"));
    let said = decoded_svg(std::str::from_utf8(&svg).unwrap());
    assert_eq!(said, address);

    let (status, headers, _) = world.get(&said).await;
    assert_eq!((status, text(&headers, &header::CACHE_CONTROL)), (StatusCode::FOUND, "no-store"));
    let (status, headers, bytes) = world.get(text(&headers, &header::LOCATION)).await;
    assert_eq!((status, &bytes[..]), (StatusCode::OK, &b"android bytes"[..]));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/vnd.android.package-archive"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"Fish _.apk\"; filename*=UTF-8''Fish%20%E9%B1%BC.apk"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        assert_eq!(text(&headers, &name), value);
    }
    let (status, _, body) = world.get(&format!("{address}/manifest.plist")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "only iOS has one: {body:?}");
}

#[tokio::test]
async fn sizes_are_bounded() {
    let world = World::new().await;
    let file = world.file("a.apk", b"a").await;
    let url = world.service.qr_code_url(&world.group(ANDROID, &file, "a.apk", None).await);
    for size in ["199", "2001", "-1", "x", "", "200&size=300", "99999999999999999999"] {
        let (status, _, body) = world.get(&format!("{url}?size={size}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{size}");
        assert_eq!(&body[..], b"{\"code\":400,\"error\":\"size: must be a number from 200 to 2000\"}", "{size}");
    }
}

#[tokio::test]
async fn ios_gets_a_page_whose_link_installs() {
    let world = World::new().await;
    let (file, icon) = (world.file("upload.ipa", b"ios bytes").await, world.file("icon.png", b"icon bytes").await);
    let key = world.group(IOS, &file, "fish.ipa", Some(&icon)).await;
    let (status, headers, page) = world.get(&format!("/get/{key}")).await;
    assert_eq!((status, text(&headers, &header::CONTENT_TYPE)), (StatusCode::OK, "text/html; charset=utf-8"));
    let policy = text(&headers, &header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let page = std::str::from_utf8(&page).unwrap();
    assert!(page.contains("<h1>Fish &amp; Chips &lt;1&gt;</h1>") && !page.contains("script"), "{page}");
    let link = page.split_once("href=\"").unwrap().1.split_once('"').unwrap().0;
    let encoded = link.strip_prefix("itms-services://?action=download-manifest&amp;url=").unwrap();
    let manifest_url = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
    assert_eq!(manifest_url, format!("{PUBLIC_URL}/get/{key}/manifest.plist"));

    let (status, headers, xml) = world.get(&manifest_url).await;
    assert_eq!((status, text(&headers, &header::CONTENT_TYPE)), (StatusCode::OK, "text/xml; charset=utf-8"));
    let manifest = Value::from_reader_xml(&xml[..]).unwrap();
    let item = manifest.as_dictionary().unwrap()["items"].as_array().unwrap()[0].as_dictionary().unwrap();
    let metadata = item["metadata"].as_dictionary().unwrap();
    for (name, expected) in [
        ("bundle-identifier", "com.example.fish"),
        ("bundle-version", "1.2 \"beta\""),
        ("kind", "software"),
        ("title", "Fish & Chips <1>"),
    ] {
        assert_eq!(metadata[name].as_string(), Some(expected));
    }
    let assets = item["assets"].as_array().unwrap();
    for (asset, kind, bytes) in [(0, "software-package", &b"ios bytes"[..]), (1, "display-image", b"icon bytes")] {
        let asset = assets[asset].as_dictionary().unwrap();
        assert_eq!(asset["kind"].as_string(), Some(kind));
        let (status, headers, found) = world.get(asset["url"].as_string().unwrap()).await;
        assert_eq!((status, &found[..]), (StatusCode::OK, bytes));
        let expected = if kind == "display-image" { "image/png" } else { "application/octet-stream" };
        assert_eq!(text(&headers, &header::CONTENT_TYPE), expected);
    }
    assert_eq!(assets.len(), 2);

    // Another reader of property lists sees the same.
    let script = "import plistlib, sys; item = plistlib.loads(sys.stdin.buffer.read())['items'][0]; \
                  print(item['metadata']['title'], item['assets'][0]['url'], sep='\\n')";
    let mut python =
        Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(&xml).unwrap();
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    let url = assets[0].as_dictionary().unwrap()["url"].as_string().unwrap();
    assert_eq!(said, format!("Fish & Chips <1>\n{url}\n"));
}

#[tokio::test]
async fn what_is_not_to_be_downloaded_is_not_there() {
    let world = World::new().await;
    let file = world.file("a.ipa", b"a").await;
    let key = world.group(IOS, &file, "a.ipa", None).await;
    let parts = ["", "/manifest.plist", "/qr.png", "/qr.svg"];
    for part in parts {
        assert_eq!(world.get(&format!("/get/{key}{part}")).await.0, StatusCode::OK, "{part}");
        for unknown in [world.service.client_download_key(), "x".into(), "%00".into(), "%FF".into(), key.to_lowercase()]
        {
            let (status, _, body) = world.get(&format!("/get/{unknown}{part}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{unknown}{part}");
            assert_eq!(&body[..], b"{\"code\":404,\"error\":\"there is nothing to download here\"}");
        }
    }
    for change in ["UPDATE client_versions SET void_at = now()", "UPDATE client_groups SET qr_version_id = NULL"] {
        world.client().await.batch_execute(change).await.unwrap();
        for part in parts {
            assert_eq!(world.get(&format!("/get/{key}{part}")).await.0, StatusCode::NOT_FOUND, "{change}: {part}");
        }
        world.client().await.batch_execute("UPDATE client_versions SET void_at = NULL").await.unwrap();
    }
}

#[tokio::test]
async fn keys_are_not_to_be_guessed() {
    let world = World::new().await;
    let keys: Vec<String> = (0..3).map(|_| world.service.client_download_key()).collect();
    for key in &keys {
        assert!(key.len() == 22 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{key}");
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
}
