//! A small application for Android.

use super::arsc::{Config, Table, Value as Resource};
use super::axml::{Value, Xml};
use super::images;
use super::zip::{Entry, Zip, signing_block};

/// Scheme 2 of Android's signatures.
pub(crate) const V2: u32 = 0x7109_871a;
pub(crate) const LABEL: u32 = 0x7f01_0000;
pub(crate) const ICON: u32 = 0x7f02_0000;

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A manifest that names everything a manifest can.
pub(crate) fn manifest(utf8: bool) -> Vec<u8> {
    manifest_of(Xml::new(utf8)).write()
}

pub(crate) fn manifest_of(xml: Xml) -> Xml {
    let root = [
        ("versionCode", Value::Integer(42)),
        ("versionCodeMajor", Value::Integer(1)),
        ("versionName", text("1.2.3")),
        ("package", text("com.example.app")),
    ];
    let application = [("label", Value::Reference(LABEL)), ("icon", Value::Reference(ICON))];
    xml.start("manifest", &root)
        .start("uses-sdk", &[("minSdkVersion", Value::Integer(21))])
        .end("uses-sdk")
        .start("application", &application)
        .start("meta-data", &[("name", text("wrapped")), ("value", Value::Boolean(true))])
        .end("meta-data")
        .start("activity", &[("label", text("Not the application's"))])
        .start("meta-data", &[("name", text("of the activity")), ("value", Value::Integer(1))])
        .end("meta-data")
        .end("activity")
        .start("meta-data", &[("name", text("title")), ("value", Value::Reference(LABEL))])
        .end("meta-data")
        .end("application")
        .end("manifest")
}

/// A manifest of one element.
pub(crate) fn bare_manifest(attributes: &[(&str, Value)]) -> Vec<u8> {
    Xml::new(true).start("manifest", attributes).end("manifest").write()
}

/// Two labels and icons of two densities.
pub(crate) fn table() -> Table {
    let string = |value: &str| [Some(Resource::Text(value.to_owned()))];
    let density = |density| Config { density, ..Config::default() };
    Table::new()
        .of(1, Config { language: *b"de", ..Config::default() }, &string("Beispiel"))
        .of(1, Config::default(), &string(" Example\u{202e} "))
        .of(2, density(160), &string("res/mdpi/icon.png"))
        .of(2, density(480), &string("res/xxhdpi/icon.png"))
}

/// An archive that is an APK as soon as it has a manifest and perhaps a signature.
pub(crate) fn unsigned(manifest: &[u8]) -> Zip {
    Zip::default().with(Entry::deflated("AndroidManifest.xml", manifest))
}

/// The same with a signature of scheme 2.
pub(crate) fn signed(manifest: &[u8]) -> Zip {
    Zip { block: signing_block(&[(V2, b"signature")]), ..unsigned(manifest) }
}

/// A whole application.
pub(crate) fn whole() -> Zip {
    signed(&manifest(true))
        .with(Entry::stored("resources.arsc", &table().write()))
        .with(Entry::stored("res/mdpi/icon.png", &images::png(48, 48)))
        .with(Entry::stored("res/xxhdpi/icon.png", &images::png(144, 144)))
        .with(Entry::deflated("classes.dex", &[0; 10_000]))
}
