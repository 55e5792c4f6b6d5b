//! The manifest from which iOS installs a program that does not come from Apple's store.

use drover_service::DownloadPage;
use plist::{Dictionary, Value};

/// The manifest as an XML property list.
pub(super) fn of(page: &DownloadPage) -> Result<Vec<u8>, plist::Error> {
    let mut assets = vec![asset("software-package", &page.file_url)];
    if let Some(icon_url) = &page.icon_url {
        let mut icon = asset("display-image", icon_url);
        icon.insert("needs-shine".into(), Value::Boolean(false));
        assets.push(icon);
    }
    let metadata = texts(&[
        ("bundle-identifier", &page.package_name),
        ("bundle-version", &page.version_name),
        ("kind", "software"),
        ("platform-identifier", "com.apple.platform.iphoneos"),
        ("title", &page.title),
    ]);
    let mut item = Dictionary::new();
    item.insert("assets".into(), Value::Array(assets.into_iter().map(Value::Dictionary).collect()));
    item.insert("metadata".into(), Value::Dictionary(metadata));
    let mut manifest = Dictionary::new();
    manifest.insert("items".into(), Value::Array(vec![Value::Dictionary(item)]));
    let mut xml = Vec::new();
    Value::Dictionary(manifest).to_writer_xml(&mut xml)?;
    Ok(xml)
}

fn asset(kind: &str, url: &str) -> Dictionary {
    texts(&[("kind", kind), ("url", url)])
}

fn texts(pairs: &[(&str, &str)]) -> Dictionary {
    pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::String(without_controls(text)))).collect()
}

/// XML has no way to write most control characters.
fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}
