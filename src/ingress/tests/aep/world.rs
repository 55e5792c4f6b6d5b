//! A tenant with its products, and a client that signs as the document says: written apart from the code under test.

#[path = "../support/ingress.rs"]
mod ingress;

use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use drover_domain::Protocol;
use drover_ingress::{AppState, Limits};
use drover_service::{CredentialKind, NewDevice, ServiceOptions};
use drover_store::Store;
use drover_testkit::TestPostgres;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sha1::Sha1;
use tower::ServiceExt as _;

pub(crate) const NOW_MS: i64 = 1_767_225_600_000;
pub(crate) const UPGRADE: &str = "/aep_upgrade_management";
pub(crate) const FIRMWARE: &str = "/aep_firmware_management";
pub(crate) const MAX_UPLOAD_BYTES: u64 = 100_000;
pub(crate) const MAX_BODY_BYTES: usize = 10_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(NOW_MS).unwrap()
}

/// An ingress on the database at `url`, with small limits.
pub(crate) fn state(url: &str, folder: &Path) -> (AppState, Store) {
    let limits = Limits { max_body_bytes: MAX_BODY_BYTES, max_upload_bytes: MAX_UPLOAD_BYTES, ..Limits::default() };
    ingress::state(url, folder, now(), &ServiceOptions::default(), limits)
}

pub(crate) struct World {
    pub state: AppState,
    pub router: Router,
    pub key: String,
    secret: String,
    pub lwm2m: i64,
    pub tlink: i64,
    pub master_key: String,
    /// A product of somebody else.
    pub foreign: i64,
    /// What each call adds to the time, so that no two are signed alike.
    ticks: AtomicI64,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestPostgres::database().await;
        let folder = tempfile::tempdir().unwrap();
        let (state, store) = state(&database.url, folder.path());
        drover_store::migrate::run(&store).await.unwrap();
        let service = state.service.clone();
        service.add_tenant("vendor").await.unwrap();
        service.add_tenant("other").await.unwrap();
        let lwm2m = service.add_product("vendor", "meters", Protocol::Lwm2m).await.unwrap();
        let tlink = service.add_product("vendor", "boxes", Protocol::TLink).await.unwrap().id.0;
        let foreign = service.add_product("other", "secret", Protocol::Lwm2m).await.unwrap().id.0;
        let issued = service.add_credential("vendor", CredentialKind::Aep, None).await.unwrap();
        for (product, kind) in [("meters", "m"), ("boxes", "b")] {
            let product = service.product_by_name("vendor", product).await.unwrap();
            let devices: Vec<NewDevice> = (1..=3)
                .map(|n| NewDevice {
                    uuid: format!("{kind}{n}"),
                    name: format!("{kind} 设备 {n}"),
                    sn: format!("sn-{kind}{n}"),
                    imei: format!("imei-{kind}{n}"),
                    group_uuid: String::new(),
                    firmware_version: "1.0".into(),
                    channel: "mqtt".into(),
                })
                .collect();
            service.enrol(&product, &devices).await.unwrap();
        }
        let router = drover_ingress::router(state.clone());
        let (key, secret) = (issued.key_id, issued.secret.expose().to_owned());
        let master_key = lwm2m.master_key.expose().to_owned();
        Self {
            state,
            router,
            key,
            secret,
            lwm2m: lwm2m.id.0,
            tlink,
            master_key,
            foreign,
            ticks: AtomicI64::new(0),
            folder,
        }
    }

    /// Files that the store holds.
    pub(crate) fn stored_files(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(self.folder.path())
    }

    pub(crate) fn signature(&self, timestamp: i64, parameters: &[(&str, &str)], body: &[u8]) -> String {
        let mut sorted = parameters.to_vec();
        sorted.sort_unstable();
        let mut text = format!("application:{}\ntimestamp:{timestamp}\n", self.key);
        for (name, value) in sorted {
            text.extend([name, ":", value, "\n"]);
        }
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        if !body.is_empty() {
            mac.update(body);
            mac.update(b"\n");
        }
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// A signed call without a MasterKey.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        parameters: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, Value) {
        self.send(self.request(method, path, parameters, Bytes::copy_from_slice(body.as_bytes()))).await
    }

    pub(crate) fn request(&self, method: &str, path: &str, parameters: &[(&str, &str)], body: Bytes) -> Request<Body> {
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let timestamp = NOW_MS + self.ticks.fetch_add(1, Ordering::Relaxed);
        Request::builder()
            .method(method)
            .uri(format!("{path}?{}", query.join("&")))
            .header("application", &self.key)
            .header("timestamp", timestamp)
            .header("signature", self.signature(timestamp, parameters, &body))
            // As some clients label their JSON.
            .header("content-type", "application/x-www-form-urlencoded")
            .header("version", "20190615001517")
            .body(Body::from(body))
            .unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (status, _, body) = raw(&self.router, request).await;
        (status, serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {body:?}")))
    }

    /// The result of a call that must succeed.
    pub(crate) async fn ok(&self, method: &str, path: &str, parameters: &[(&str, &str)], body: &str) -> Value {
        let (status, mut answer) = self.call(method, path, parameters, body).await;
        assert_eq!((status, &answer["code"], &answer["msg"]), (StatusCode::OK, &0.into(), &"ok".into()), "{answer}");
        answer["result"].take()
    }

    /// The description of a call that must fail with this code.
    pub(crate) async fn fails(
        &self,
        code: u16,
        method: &str,
        path: &str,
        parameters: &[(&str, &str)],
        body: &str,
    ) -> String {
        failure(code, self.call(method, path, parameters, body).await)
    }

    /// Uploads a file with fields, and returns the whole answer.
    pub(crate) async fn upload(&self, product: i64, fields: &[(&str, &str)], file: &[u8]) -> (StatusCode, Value) {
        self.send(self.upload_request(product, fields, file, &sha256(file))).await
    }

    pub(crate) fn upload_request(
        &self,
        product: i64,
        fields: &[(&str, &str)],
        file: &[u8],
        sha256: &str,
    ) -> Request<Body> {
        let mut form = Vec::new();
        for (name, value) in fields {
            form.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        form.extend(
            b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\xe5\x9b\xba \xe4\xbb\xb6.bin\"\r\n\r\n",
        );
        form.extend(file);
        form.extend(b"\r\n--B--\r\n");
        let product = product.to_string();
        let parameters = [("productId", product.as_str()), ("fileSha256", sha256)];
        let mut request = self.request("POST", &format!("{FIRMWARE}/firmware"), &parameters, Bytes::new());
        request.headers_mut().insert("content-type", "multipart/form-data; boundary=B".parse().unwrap());
        *request.body_mut() = Body::from(form);
        request
    }

    /// A firmware of the product, by id.
    pub(crate) async fn firmware(&self, product: i64) -> String {
        let fields = [("name", "固件"), ("version", "2.0"), ("createBy", "huang")];
        let (status, answer) = self.upload(product, &fields, b"firmware bytes").await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["result"]["firmwareId"].to_string()
    }
}

/// Sends any request.
pub(crate) async fn raw(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

/// The description of a failure, which must have this code in status and body.
pub(crate) fn failure(code: u16, (status, answer): (StatusCode, Value)) -> String {
    assert_eq!((status.as_u16(), &answer["code"]), (code, &code.into()), "{answer}");
    assert!(answer["msg"].is_string(), "{answer}");
    answer["desc"].as_str().unwrap().to_owned()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digits: Vec<String> = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
