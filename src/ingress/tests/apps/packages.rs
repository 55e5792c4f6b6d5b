//! Packages to upload, and their uploads.

use axum::body::Body;
use futures_util::stream;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{
    build::{
        apk::{signed, text, unsigned},
        axml, images,
        zip::{Entry, Zip},
    },
    world::{Person, World, request, success},
};

pub(crate) const PACKAGE: &str = "/apps/app/package";
pub(crate) const APPS: &str = "/apps/app";

/// What the manifest of a wrapped application holds, unless it is configured otherwise.
pub(crate) const WRAPPED: Option<(&str, &str)> = Some(("drover.domain", "container"));
pub(crate) const BUILT_IN: Option<(&str, &str)> = Some(("drover.domain", "built-in"));

/// A manifest with perhaps one entry.
fn manifest(package: &str, version: &str, code: u32, entry: Option<(&str, &str)>) -> Vec<u8> {
    let root =
        [("versionCode", axml::Value::Integer(code)), ("versionName", text(version)), ("package", text(package))];
    let mut xml = axml::Xml::new(true)
        .start("manifest", &root)
        .start("uses-sdk", &[("minSdkVersion", axml::Value::Integer(21))])
        .end("uses-sdk")
        .start("application", &[("label", text(&format!("应用 {package}")))]);
    if let Some((name, value)) = entry {
        xml = xml.start("meta-data", &[("name", text(name)), ("value", text(value))]).end("meta-data");
    }
    xml.end("application").end("manifest").write()
}

/// A signed APK.
pub(crate) fn apk(package: &str, version: &str, code: u32) -> Vec<u8> {
    apk_with(package, version, code, None)
}

/// A signed APK whose manifest has an entry.
pub(crate) fn apk_with(package: &str, version: &str, code: u32, entry: Option<(&str, &str)>) -> Vec<u8> {
    signed(&manifest(package, version, code, entry)).with(Entry::deflated("classes.dex", package.as_bytes())).write()
}

/// An APK that nobody signed.
pub(crate) fn unsigned_apk(package: &str) -> Vec<u8> {
    unsigned(&manifest(package, "1.0", 1, None)).write()
}

/// An APK whose manifest is a thousand times as large as its file.
pub(crate) fn bomb() -> Vec<u8> {
    signed(&vec![0; 64 << 20]).write()
}

/// A signed IPA with an icon.
pub(crate) fn ipa(package: &str, version: &str, code: &str) -> Vec<u8> {
    let info = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>
        <key>CFBundleIdentifier</key><string>{package}</string>
        <key>CFBundleShortVersionString</key><string>{version}</string>
        <key>CFBundleVersion</key><string>{code}</string>
        <key>CFBundleDisplayName</key><string>应用 {package}</string>
        <key>MinimumOSVersion</key><string>13.0</string>
        <key>LSRequiresIPhoneOS</key><true/>
        <key>drover.domain</key><string>container</string>
        <key>CFBundleIcons</key><dict><key>CFBundlePrimaryIcon</key><dict>
            <key>CFBundleIconFiles</key><array><string>AppIcon60x60</string></array></dict></dict>
        </dict></plist>"
    );
    Zip::default()
        .with(Entry::deflated("Payload/A.app/Info.plist", info.as_bytes()))
        .with(Entry::stored("Payload/A.app/AppIcon60x60@2x.png", &images::png(60, 60)))
        .with(Entry::stored("Payload/A.app/_CodeSignature/CodeResources", b"<plist/>"))
        .write()
}

/// The form of an upload, the file first, as in the document's table.
pub(crate) fn form(file_name: &str, file: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut form =
        format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n").into_bytes();
    form.extend(file);
    form.extend(b"\r\n");
    for (name, value) in fields {
        form.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    form.extend(b"--B--\r\n");
    form
}

/// An upload.
pub(crate) fn upload_to(path: &str, person: &Person, form: impl Into<Body>) -> Request<Body> {
    let call = request("POST", path).token(&person.token);
    call.header("content-type", "multipart/form-data; boundary=B").body(form)
}

/// What is there: applications, releases, uploads, categories and files in rows, and objects in the file store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holdings(pub(crate) [i64; 5], pub(crate) usize);

impl World {
    /// Uploads a package, and returns the answer, whatever it is.
    pub(crate) async fn upload(
        &self,
        person: &Person,
        file_name: &str,
        file: &[u8],
        fields: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        // In pieces, as a connection brings it.
        let pieces: Vec<std::io::Result<Vec<u8>>> =
            form(file_name, file, fields).chunks(64 << 10).map(|piece| Ok(piece.to_vec())).collect();
        self.send(upload_to(PACKAGE, person, Body::from_stream(stream::iter(pieces)))).await
    }

    /// Uploads an enterprise application that must be saved at once. Returns its id.
    pub(crate) async fn saved(&self, person: &Person, file_name: &str, file: &[u8]) -> i64 {
        let answer = success(self.upload(person, file_name, file, &[("type", "1")]).await);
        answer["appId"].as_str().unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
    }

    /// Uploads a package beside other versions of it. Returns its `appPath`.
    pub(crate) async fn undecided(&self, person: &Person, file_name: &str, file: &[u8]) -> String {
        let answer = success(self.upload(person, file_name, file, &[("type", "1")]).await);
        assert_eq!(answer["message"], 704, "{answer}");
        answer["appPath"].as_str().unwrap().to_owned()
    }

    /// Saves an uploaded package.
    pub(crate) async fn save(&self, person: &Person, body: &Value) -> (StatusCode, Value) {
        self.json(person, "POST", APPS, body).await
    }

    /// An application by itself.
    pub(crate) async fn detail(&self, person: &Person, id: i64) -> Value {
        self.ok(person, "GET", &format!("{APPS}/{id}"), &[]).await["appDetailVo"].clone()
    }

    /// The list, by a query.
    pub(crate) async fn rows(&self, person: &Person, query: &[(&str, &str)]) -> Vec<Value> {
        let answer = self.ok(person, "GET", APPS, query).await;
        answer["rows"].as_array().unwrap().clone()
    }

    /// A category with these applications.
    pub(crate) async fn category(&self, person: &Person, name: &str, applications: &[i64]) -> i64 {
        let body = json!({"name": name, "appIds": applications});
        self.ok_json(person, "POST", "/apps/category", &body).await["appCategoryId"].as_i64().unwrap()
    }

    pub(crate) async fn holdings(&self) -> Holdings {
        let counted = "SELECT (SELECT count(*) FROM applications), (SELECT count(*) FROM app_releases),
            (SELECT count(*) FROM app_uploads), (SELECT count(*) FROM app_category_members), (SELECT count(*) FROM files)";
        let row = self.client().await.query_one(counted, &[]).await.unwrap();
        Holdings([0, 1, 2, 3, 4].map(|column| row.get(column)), objects(self.files()))
    }
}

/// The files below a folder, whole or in parts.
fn objects(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { objects(&path) } else { 1 }).sum()
}
