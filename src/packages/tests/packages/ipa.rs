//! IPAs, made by Python and OpenSSL.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_packages::{DeviceFamily, Distribution, Package, PackageError, Platform, Signatures};
use serde_json::{Map, Value, json};

use crate::build::images::{cgbi, decoded, png};
use crate::measure::{read, read_good, refusal};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages/make_ipa.py");
const BUNDLE: &str = "Payload/Beispiel 例.app";

/// An IPA under construction.
struct Ipa {
    info: Value,
    binary: bool,
    profile: Value,
    files: Map<String, Value>,
}

impl Ipa {
    fn new() -> Self {
        let info = json!({
            "CFBundleIdentifier": "com.example-inc.app",
            "CFBundleShortVersionString": "1.2.3",
            "CFBundleVersion": "123",
            "CFBundleName": "Beispiel",
            "CFBundleDisplayName": "例 App",
            "MinimumOSVersion": "13.0",
            "UIDeviceFamily": [1, 2],
            "LSRequiresIPhoneOS": true,
            "DTXcode": 1500,
            "WrappedBy": "Drover & Co <1>",
            "CFBundleIcons": {"CFBundlePrimaryIcon": {"CFBundleIconFiles": ["AppIcon60x60"]}},
        });
        Self { info, binary: true, profile: Value::Null, files: Map::new() }
            .file("_CodeSignature/CodeResources", b"<plist/>")
    }

    /// A file in the application's folder.
    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.beside(&format!("{BUNDLE}/{name}"), bytes)
    }

    /// A file anywhere in the archive.
    fn beside(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.insert(name.to_owned(), STANDARD.encode(bytes).into());
        self
    }

    fn info(mut self, key: &str, value: Value) -> Self {
        self.info[key] = value;
        self
    }

    fn without(mut self, key: &str) -> Self {
        self.info.as_object_mut().unwrap().remove(key);
        self
    }

    fn make(&self) -> Vec<u8> {
        let Self { info, binary, profile, files } = self;
        let wish = json!({"bundle": BUNDLE, "info": info, "binary": binary, "profile": profile, "files": files});
        let mut python =
            Command::new("python3").arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        python.stdin.take().unwrap().write_all(wish.to_string().as_bytes()).unwrap();
        let made = python.wait_with_output().unwrap();
        assert!(made.status.success());
        made.stdout
    }

    fn read(&self) -> Package {
        read_good(&self.make())
    }
}

#[test]
fn an_application_is_read_from_both_kinds_of_lists() {
    for binary in [true, false] {
        let package = Ipa { binary, ..Ipa::new() }.read();
        assert_eq!(package.platform, Platform::Ios);
        assert_eq!(package.package_name, "com.example-inc.app");
        assert_eq!((package.version_name.as_str(), package.version_code.as_str()), ("1.2.3", "123"));
        assert_eq!(package.label, "例 App");
        assert_eq!(package.min_os_version, "13.0");
        assert_eq!(package.device_families, [DeviceFamily::Iphone, DeviceFamily::Ipad]);
        assert_eq!(package.signatures, Signatures::default());
        assert_eq!(package.provisioning, None, "as the App Store delivers it");
        let entry = |name: &str| package.entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(entry("WrappedBy"), Some("Drover & Co <1>"));
        assert_eq!((entry("LSRequiresIPhoneOS"), entry("DTXcode")), (Some("true"), Some("1500")));
        assert_eq!(entry("CFBundleIcons"), None, "no scalar");
    }
}

/// Binary lists keep what is alike once: a key of three hundred dictionaries, as advertising networks are listed, is read more
/// often than it is written.
#[test]
fn texts_that_are_shared_are_no_reason_to_refuse() {
    let networks: Vec<Value> =
        (0..300).map(|n| json!({"SKAdNetworkIdentifier": format!("{n:010}.skadnetwork")})).collect();
    let domain = || json!({"NSExceptionAllowsInsecureHTTPLoads": true, "NSExceptionMinimumTLSVersion": "TLSv1.0"});
    let domains: Map<String, Value> = (0..200).map(|n| (format!("d{n}.example.com"), domain())).collect();
    let ipa = Ipa::new()
        .info("SKAdNetworkItems", json!(networks))
        .info("NSAppTransportSecurity", json!({"NSExceptionDomains": domains}));
    assert_eq!(ipa.read().label, "例 App");
}

#[test]
fn each_kind_of_profile_is_told() {
    let profile = |key: &str, value: Value, debugged: bool| {
        let mut profile = json!({
            "TeamIdentifier": ["A1B2C3D4E5"],
            "TeamName": "Example Inc.",
            "ExpirationDate": "date:2027-01-31T12:00:00",
            "DeveloperCertificates": ["data:AAAA"],
            "Entitlements": {"get-task-allow": debugged},
        });
        profile[key] = value;
        Ipa { profile, ..Ipa::new() }.read().provisioning.unwrap()
    };
    let devices = || json!(["00008030-000123456789ABCD"]);
    let ad_hoc = profile("ProvisionedDevices", devices(), false);
    assert_eq!(ad_hoc.distribution, Distribution::AdHoc);
    assert_eq!(ad_hoc.team_id.as_deref(), Some("A1B2C3D4E5"));
    assert_eq!(ad_hoc.team_name.as_deref(), Some("Example Inc."));
    assert_eq!(ad_hoc.expires_at.unwrap().to_rfc3339(), "2027-01-31T12:00:00+00:00");
    assert_eq!(profile("ProvisionedDevices", devices(), true).distribution, Distribution::Development);
    assert_eq!(profile("ProvisionsAllDevices", json!(true), false).distribution, Distribution::Enterprise);
    assert_eq!(profile("Name", json!("Store"), false).distribution, Distribution::AppStore);
}

#[test]
fn a_profile_that_cannot_be_read_is_an_error() {
    let unsigned = b"<?xml version=\"1.0\"?><plist><dict><key>TeamName</key><string>X</string></dict></plist>";
    for profile in [&unsigned[..], b"", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x06\x09"] {
        let refused = refusal(&Ipa::new().file("embedded.mobileprovision", profile).make());
        assert!(refused.contains("no signed message"), "{refused}");
    }
}

#[test]
fn icons_are_found_by_name_and_restored() {
    let small =
        || Ipa::new().file("AppIcon60x60@2x.png", &cgbi(120, 120)).file("AppIcon60x60Other.png", &png(500, 500));
    let icon = small().file("AppIcon60x60@3x.png", &cgbi(180, 180)).read().icon.unwrap();
    assert_eq!(decoded(&icon.png).0, 180);
    assert_eq!(small().read().icon.unwrap().width, 120, "without what only begins alike");
    let unnamed = Ipa::new().without("CFBundleIcons").file("AppIcon76x76@2x~ipad.png", &cgbi(152, 152)).read();
    assert_eq!(unnamed.icon.unwrap().width, 152);
    let artwork = Ipa::new().beside("iTunesArtwork", &png(512, 512)).read();
    assert_eq!(artwork.icon.unwrap().width, 512);
    let old = Ipa::new().without("CFBundleIcons").info("CFBundleIconFile", json!("Icon.png"));
    assert_eq!(old.file("Icon.png", &png(57, 57)).read().icon.unwrap().width, 57);
    let outside = Ipa::new().info("CFBundleIcons", json!({"CFBundlePrimaryIcon": {"CFBundleIconFiles": ["../Icon"]}}));
    assert_eq!(outside.beside("Payload/Icon.png", &png(57, 57)).read().icon, None);
}

#[test]
fn what_a_list_leaves_out_has_a_default_or_is_an_error() {
    let bare = ["CFBundleShortVersionString", "CFBundleDisplayName", "MinimumOSVersion", "UIDeviceFamily"]
        .into_iter()
        .fold(Ipa::new(), Ipa::without);
    let package = bare.read();
    assert_eq!((package.version_name.as_str(), package.version_code.as_str()), ("123", "123"));
    assert_eq!((package.label.as_str(), package.min_os_version.as_str()), ("Beispiel", ""));
    assert_eq!(package.device_families, [DeviceFamily::Iphone]);
    assert_eq!(Ipa::new().without("CFBundleVersion").read().version_code, "1.2.3");
    assert_eq!(Ipa::new().info("CFBundleVersion", json!(7)).read().version_code, "7");
    assert_eq!(Ipa::new().info("UIDeviceFamily", json!(["2"])).read().device_families, [DeviceFamily::Ipad]);
    assert_eq!(Ipa::new().info("MinimumOSVersion", json!("13; x")).read().min_os_version, "");

    let refused = |ipa: Ipa| refusal(&ipa.make());
    assert!(refused(Ipa::new().without("CFBundleIdentifier")).contains("bundle identifier"));
    assert!(refused(Ipa::new().info("CFBundleIdentifier", json!("com.example/../x"))).contains("bundle identifier"));
    assert!(refused(Ipa::new().info("CFBundleVersion", json!("1\u{202e}2"))).contains("version"));
    assert!(
        refused(Ipa::new().without("CFBundleVersion").without("CFBundleShortVersionString")).contains("no version")
    );
}

#[test]
fn an_application_without_the_sums_of_its_signature_is_unsigned() {
    let unsigned = Ipa { files: Map::new(), ..Ipa::new() }.make();
    assert!(matches!(read(&unsigned), Err(PackageError::Unsigned { platform: Platform::Ios })));
}

#[test]
fn two_applications_or_two_platforms_are_none() {
    let two = Ipa::new().beside("Payload/Other.app/Info.plist", b"x").make();
    assert!(refusal(&two).contains("more than one application"));
    let both = Ipa::new().beside("AndroidManifest.xml", b"x").make();
    assert!(refusal(&both).contains("both"));
    // An extension inside of the application is no second one.
    Ipa::new().file("PlugIns/Share.appex/Info.plist", b"x").file("Watch/W.app/Info.plist", b"x").read();
}
