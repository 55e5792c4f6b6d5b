//! Android packages that others built and signed: of Appium, of Android's own tests, and of the tests of apk-info, which
//! also breaks one of them in every way that malware does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use drover_packages::{Limits, Package, Signatures};

use crate::build::apk::V2;
use crate::build::images::decoded;
use crate::build::zip::signing_block;
use crate::measure::{read, read_from, read_good, refusal};

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/packages-fixtures");
    assert!(
        folder.is_dir(),
        "no packages to read: run `make test`, or scripts/install-deps.sh test, which fetches them"
    );
    folder
}

fn file(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; `make test` fetches it", path.display()))
}

const NONE: Signatures = Signatures { v1: false, v2: false, v3: false };
const V1: Signatures = Signatures { v1: true, ..NONE };

#[test]
fn appiums_packages_are_read() {
    let expected = [
        ("settings_apk-debug.apk", "io.appium.settings", "8.0.10", "192", "Appium Settings", "8.0", 192),
        ("unlock_apk-debug.apk", "io.appium.unlock", "2.0.0", "2", "Unlock", "2.0", 96),
        (
            "UnicodeIME-debug.apk",
            "io.appium.android.ime",
            "1.0",
            "1",
            "Appium Android Input Manager for Unicode",
            "4.1",
            96,
        ),
    ];
    for (name, package_name, version_name, version_code, label, min_os_version, side) in expected {
        let package = read_good(&file(name));
        let texts = [&package.package_name, &package.version_name, &package.version_code, &package.label];
        assert_eq!(texts, [package_name, version_name, version_code, label]);
        assert_eq!(package.min_os_version, min_os_version);
        let icon = package.icon.unwrap();
        let (width, height, pixels) = decoded(&icon.png);
        assert_eq!((width, height), (side, side));
        assert!(pixels.iter().any(|byte| *byte != 0), "an empty icon");
    }
    let settings = read_good(&file("settings_apk-debug.apk"));
    assert_eq!(settings.signatures, Signatures { v2: true, ..NONE });
    assert_eq!(settings.entries, [("com.google.android.gms.version".to_owned(), "12451000".to_owned())]);
    assert_eq!(read_good(&file("unlock_apk-debug.apk")).signatures, V1);
}

#[test]
fn a_package_is_not_read_whole() {
    let path = folder().join("settings_apk-debug.apk");
    let (package, cost) = read_from(File::open(&path).unwrap(), &Limits::default());
    package.unwrap();
    assert!(cost.bytes < fs::metadata(&path).unwrap().len() / 2, "{cost:?}");
}

#[test]
fn the_signatures_of_androids_own_tests_are_seen() {
    let all = Signatures { v1: true, v2: true, v3: true };
    let expected = [
        ("v1-only-with-rsa-2048.apk", V1),
        ("v1-only-with-rsa-1024-cert-not-der.apk", V1),
        ("broken-v1-only-max-sized-eocd-comment.apk", V1),
        ("v2-only-with-rsa-pkcs1-sha256-2048.apk", Signatures { v2: true, ..NONE }),
        ("v2-only-10-signers.apk", Signatures { v2: true, ..NONE }),
        ("v2-only-unknown-pair-in-apk-sig-block.apk", Signatures { v2: true, ..NONE }),
        ("v3-only-with-rsa-pkcs1-sha256-2048.apk", Signatures { v3: true, ..NONE }),
        ("v31-tgt-33-no-v3-attr.apk", all),
        ("v32-mldsa-rsa-2048_2-v3-rsa-2048-min-max-strip-attr-valid.apk", all),
        ("golden-rsa-verity-out.apk", all),
    ];
    for (name, signatures) in expected {
        let package = read_good(&file(name));
        assert_eq!(package.signatures, signatures, "{name}");
        assert_eq!((package.package_name.as_str(), package.label.as_str()), TINY, "{name}");
    }
}

const TINY: (&str, &str) = ("android.appsecurity.cts.tinyapp", "Tiny App for CTS");

#[test]
fn broken_packages_of_androids_own_tests_are_refused() {
    let expected = [
        ("broken-empty-unsigned.apk", "too short"),
        ("broken-invalid_manifest.apk", "too short"),
        ("broken-v1-only-empty.apk", "no manifest"),
        ("broken-v2-only-empty.apk", "no zip archive"),
        ("broken-v3-only-empty.apk", "too short"),
        ("broken-v2-only-truncated-cd.apk", "directory is not where"),
        ("broken-v2-only-garbage-between-cd-and-eocd.apk", "directory is not where"),
        ("broken-v2-only-apk-sig-block-size-mismatch.apk", "contradict"),
        ("badpack-fake-eocd-in-comment.apk", "record at its end"),
    ];
    for (name, reason) in expected {
        let refused = refusal(&file(name));
        assert!(refused.contains(reason), "{name}: {refused}");
    }
}

/// One defect a file, each on the same application. Those that an installer would take are read as it reads them; those
/// that mean two things are refused.
#[test]
fn what_malware_does_is_read_as_android_reads_it_or_refused() {
    let read_as_is = [
        "clean",
        "manifest-attribute-layout",
        "manifest-decoy-attribute-name",
        "manifest-element-trailing-bytes",
        "manifest-invalid-attribute-name",
        "manifest-invalid-element-name",
        "manifest-non-xml-chunk",
        "manifest-string-count-mismatch",
        "manifest-unclosed-elements",
        "manifest-xml-node-header-size",
        "resources-duplicate-package-id",
        "resources-duplicate-type-chunk",
        "resources-package-header-size",
        "zip-entry-path-conflict",
        "zip-invalid-utf8-name",
    ];
    for name in read_as_is {
        let package = read_good(&presigned(&format!("{name}.apk")));
        assert_eq!((package.package_name.as_str(), package.label.as_str()), TINY, "{name}");
    }
    let refused = [
        ("manifest-truncated", "a chunk does not fit"),
        ("zip-central-directory-shifted", "directory is"),
        ("zip-compression-method-mismatch", "contradicts"),
        ("zip-duplicate-entry", "twice"),
        ("zip-eocd-not-at-end", "record at its end"),
        ("zip-fake-eocd-in-comment", "record at its end"),
        ("zip-missing-central-directory-record", "fewer entries"),
        ("zip-stored-size-mismatch", "overlap"),
    ];
    for (name, reason) in refused {
        let refused = refusal(&presigned(&format!("{name}.apk")));
        assert!(refused.contains(reason), "{name}: {refused}");
    }
    // What is broken in parts that nobody asks for, or not in every way: an answer, and no more than it may cost.
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let _: Result<Package, _> = read(&presigned(&name));
    }
}

/// The file with a signing block in it: its author broke it after it was signed.
fn presigned(name: &str) -> Vec<u8> {
    let mut file = file(name);
    let Some(end) = file.windows(4).rposition(|window| window == b"PK\x05\x06") else { return file };
    let Some(field) = file.get(end + 16..end + 20) else { return file };
    let start = u32::from_le_bytes(field.try_into().unwrap());
    let at = start as usize;
    if at > end || file[..at].ends_with(b"APK Sig Block 42") {
        return file;
    }
    let block = signing_block(&[(V2, b"signature")]);
    let moved = start + u32::try_from(block.len()).unwrap();
    file[end + 16..end + 20].copy_from_slice(&moved.to_le_bytes());
    file.splice(at..at, block);
    file
}
