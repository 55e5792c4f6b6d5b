//! What manifests, resource tables and signing blocks may say.

use drover_packages::{PackageError, Platform, Signatures};

use crate::build::apk::{self, ICON, LABEL, V2, bare_manifest, text};
use crate::build::arsc::{Config, Layout, Table, Value as Resource};
use crate::build::axml::{Value, Xml};
use crate::build::zip::{Entry, Zip, signing_block};
use crate::measure::{read, read_good, refusal};

/// Major version 1, version 42.
const VERSION_CODE: &str = "4294967338";

#[test]
fn a_whole_application_is_read() {
    let package = read_good(&apk::whole().write());
    assert_eq!(package.platform, Platform::Android);
    assert_eq!(package.package_name, "com.example.app");
    assert_eq!(package.version_name, "1.2.3");
    assert_eq!(package.version_code, VERSION_CODE);
    assert_eq!(package.label, "Example", "of the default language, and without what cannot be seen");
    assert_eq!(package.min_os_version, "5.0");
    assert_eq!(package.signatures, Signatures { v1: false, v2: true, v3: false });
    let entries = [("wrapped", "true"), ("title", "Example")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(package.entries, entries, "of the application alone, references followed");
    assert!(package.provisioning.is_none() && package.device_families.is_empty());
}

#[test]
fn strings_of_both_encodings_are_read() {
    let utf8 = read_good(&apk::signed(&apk::manifest(true)).write());
    let utf16 = read_good(&apk::signed(&apk::manifest(false)).write());
    assert_eq!(utf8, utf16);
    let long = "长".repeat(100);
    let attributes = [("package", text("com.example")), ("versionName", text(&long))];
    assert_eq!(read_good(&apk::signed(&bare_manifest(&attributes)).write()).version_name, long);
}

#[test]
fn every_layout_of_a_table_is_read() {
    for layout in [Layout::Dense, Layout::Sparse, Layout::Short] {
        for compact in [false, true] {
            let gap = [None, None, Some(Resource::Text("Third".into()))];
            let table = Table::new().layout(layout, compact).of(1, Config::default(), &gap);
            assert_eq!(label(LABEL + 2, &table), "Third");
            assert_eq!(label(LABEL, &table), "com.example.app", "an entry that is not there");
            assert_eq!(label(LABEL + 3, &table), "com.example.app", "an entry behind the last");
        }
    }
}

#[test]
fn references_are_followed_but_not_in_circles() {
    let chain = [
        Some(Resource::Reference(LABEL + 1)),
        Some(Resource::Reference(LABEL + 2)),
        Some(Resource::Text("At the end".into())),
        Some(Resource::Reference(LABEL + 3)),
        Some(Resource::Reference(LABEL + 5)),
        Some(Resource::Reference(LABEL + 4)),
        // Android's own resources, of which we have none.
        Some(Resource::Reference(0x0104_0000)),
    ];
    let table = Table::new().of(1, Config::default(), &chain);
    assert_eq!(label(LABEL, &table), "At the end");
    for circle in [3, 4, 5, 6] {
        assert_eq!(label(LABEL + circle, &table), "com.example.app");
    }
}

fn label(id: u32, table: &Table) -> String {
    let manifest = Xml::new(true)
        .start("manifest", &[("package", text("com.example.app"))])
        .start("application", &[("label", Value::Reference(id)), ("icon", Value::Reference(ICON))])
        .write();
    read_good(&apk::signed(&manifest).with(Entry::stored("resources.arsc", &table.write())).write()).label
}

#[test]
fn attributes_go_by_their_identifiers() {
    // The name of an attribute with an identifier is decoration; without identifiers it is all there is.
    let named = apk::manifest_of(Xml::new(true).without_ids()).write();
    assert_eq!(read_good(&apk::signed(&named).write()).version_code, VERSION_CODE);
    let decoy = [("package", text("com.example")), ("debuggable", text("9")), ("versionCode", Value::Integer(7))];
    assert_eq!(read_good(&apk::signed(&bare_manifest(&decoy)).write()).version_code, "7");
}

#[test]
fn what_a_manifest_leaves_out_has_a_default() {
    let package = read_good(&apk::signed(&bare_manifest(&[("package", text("com.example"))])).write());
    assert_eq!((package.version_name.as_str(), package.version_code.as_str()), ("0", "0"));
    assert_eq!(package.label, "com.example");
    assert_eq!(package.min_os_version, "1.0");
    assert_eq!(package.icon, None);
}

#[test]
fn names_and_versions_must_be_plausible() {
    for name in ["", "example", "com.exa mple", "com.example\0", "../../etc", "com.例", &"com.a".repeat(200)] {
        let refused = refusal(&apk::signed(&bare_manifest(&[("package", text(name))])).write());
        assert!(refused.contains("package name"), "{name}: {refused}");
    }
    for version in ["1\u{202e}0", "1\u{7}", &"1".repeat(10_000)] {
        let attributes = [("package", text("com.example")), ("versionName", text(version))];
        let refused = refusal(&apk::signed(&bare_manifest(&attributes)).write());
        assert!(refused.contains("version name"), "{version}: {refused}");
    }
    let attributes = [("package", text("com.example")), ("versionCode", text("12"))];
    assert!(refusal(&apk::signed(&bare_manifest(&attributes)).write()).contains("version code"));
}

#[test]
fn metadata_is_bounded_in_number_and_length() {
    let mut xml = Xml::new(true).start("manifest", &[("package", text("com.example"))]).start("application", &[]);
    let long = "x".repeat(2000);
    for value in [long.as_str()].into_iter().chain(std::iter::repeat_n("short", 1000)) {
        xml = xml.start("meta-data", &[("name", text("key")), ("value", text(value))]).end("meta-data");
    }
    let package = read_good(&apk::signed(&xml.write()).write());
    assert!(package.entries.len() == 255 && package.entries.iter().all(|(_, value)| value == "short"));
}

#[test]
fn each_scheme_of_signing_is_seen() {
    let manifest = apk::manifest(true);
    let jar = |zip: Zip, names: [&str; 3]| names.into_iter().fold(zip, |zip, name| zip.with(Entry::stored(name, b"x")));
    let block = |pairs: &[(u32, &[u8])]| Zip { block: signing_block(pairs), ..apk::unsigned(&manifest) };
    let signed = [
        (
            jar(apk::unsigned(&manifest), ["META-INF/MANIFEST.MF", "META-INF/CERT.SF", "META-INF/CERT.RSA"]),
            [true, false, false],
        ),
        (
            jar(apk::unsigned(&manifest), ["META-INF/MANIFEST.MF", "META-INF/A.SF", "META-INF/A.EC"]),
            [true, false, false],
        ),
        (
            jar(apk::unsigned(&manifest), ["META-INF/MANIFEST.MF", "META-INF/Cert.sf", "META-INF/CERT.rsa"]),
            [true, false, false],
        ),
        (block(&[(0x4272_6577, b"padding"), (V2, b"x")]), [false, true, false]),
        (block(&[(0xf053_68c0, b"x")]), [false, false, true]),
        (block(&[(0x1b93_ad61, b"x")]), [false, false, true]),
    ];
    for (zip, [v1, v2, v3]) in signed {
        assert_eq!(read_good(&zip.write()).signatures, Signatures { v1, v2, v3 });
    }
    let unsigned = [
        apk::unsigned(&manifest),
        jar(apk::unsigned(&manifest), ["META-INF/MANIFEST.MF", "META-INF/A.SF", "META-INF/B.RSA"]),
        jar(apk::unsigned(&manifest), ["META-INF/x/MANIFEST.MF", "META-INF/A.SF", "META-INF/A.RSA"]),
        block(&[(0x4272_6577, b"padding")]),
        block(&[(V2, b"")]),
    ];
    for zip in unsigned {
        let refused = read(&zip.write());
        assert!(matches!(refused, Err(PackageError::Unsigned { platform: Platform::Android })), "{refused:?}");
    }
}
