//! A vendor with products and devices, enrolled by the operator's commands, and its client, which signs as
//! docs/api/aep.md says and shares nothing with the code under test.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Body, Request, header::HeaderMap, multipart::Form};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Digest as _;

use crate::support::{Setup, http};

pub(crate) const UPGRADE: &str = "/aep_upgrade_management";
pub(crate) const FIRMWARE: &str = "/aep_firmware_management";

/// A tenant and its application.
#[derive(Debug, Clone)]
pub(crate) struct Vendor {
    pub(crate) tenant: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

/// A product.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) master_key: String,
}

impl Product {
    /// The id as JSON has it.
    pub(crate) fn number(&self) -> i64 {
        self.id.parse().unwrap()
    }
}

impl Vendor {
    pub(crate) fn enrol(setup: &Setup, tenant: &str) -> Self {
        setup.ok(&["tenant", "add", tenant]);
        let printed = setup.ok(&["credential", "add", "--kind", "aep", "--tenant", tenant]);
        Self { tenant: tenant.to_owned(), key: word_after("key", &printed), secret: word_after("secret", &printed) }
    }

    pub(crate) fn product(&self, setup: &Setup, name: &str, protocol: &str) -> Product {
        let printed = setup.ok(&["product", "add", name, "--tenant", &self.tenant, "--protocol", protocol]);
        Product {
            id: word_after("product", &printed),
            name: name.to_owned(),
            master_key: word_after("MasterKey", &printed),
        }
    }

    /// Enrols devices `<prefix>1` and so on, with names, serial numbers and IMEIs that contain their number.
    pub(crate) fn import(&self, setup: &Setup, product: &Product, prefix: &str, count: usize) {
        let line = |n| format!("{prefix}{n},{prefix} 设备 {n},sn-{prefix}-{n},86012345678{n:04},group-{prefix},1.0");
        let mut lines = vec!["uuid,name,sn,imei,group,firmware_version".to_owned()];
        lines.extend((1..=count).map(line));
        let file = setup.data.path().join(format!("{prefix}.csv"));
        std::fs::write(&file, lines.join("\n")).unwrap();
        let file = file.to_str().unwrap();
        setup.ok(&["import", "devices", file, "--tenant", &self.tenant, "--product", &product.name]);
    }

    /// The signature of a call with these parameters, the MasterKey among them.
    pub(crate) fn signature(&self, timestamp: &str, parameters: &[(&str, &str)], body: &[u8]) -> String {
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
}

/// The second word of the line that begins with `name`.
fn word_after(name: &str, printed: &str) -> String {
    let mut words = printed.lines().map(|line| line.split_whitespace());
    let found = words.find_map(|mut line| (line.next() == Some(name)).then(|| line.next().unwrap().to_owned()));
    found.unwrap_or_else(|| panic!("no {name} in {printed}"))
}

/// A vendor's client at a server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) base_url: String,
    pub(crate) vendor: Vendor,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(base_url: &str, vendor: &Vendor) -> Self {
        Self { base_url: base_url.to_owned(), vendor: vendor.clone(), http: http() }
    }

    /// A signed request, for a test to spoil.
    pub(crate) fn request(&self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> Request {
        self.request_at(&now_ms().to_string(), method, path, query, body)
    }

    /// The same, signed at another time.
    pub(crate) fn request_at(
        &self,
        timestamp: &str,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: &str,
    ) -> Request {
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let url = format!("{}{path}?{}", self.base_url, pairs.join("&"));
        self.http
            .request(method.parse().unwrap(), url)
            .header("application", &self.vendor.key)
            .header("timestamp", timestamp)
            .header("signature", self.vendor.signature(timestamp, query, body.as_bytes()))
            .body(body.to_owned())
            .build()
            .unwrap()
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let answer = self.http.execute(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} {error}: {text}"));
        Answer { status, headers, body }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> Answer {
        self.send(self.request(method, path, query, body)).await
    }

    /// The result of a call that must succeed.
    pub(crate) async fn ok(&self, method: &str, path: &str, query: &[(&str, &str)], body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(method, path, query, &body).await.result()
    }

    /// A signed upload of whatever body.
    pub(crate) fn upload(&self, product: &Product, sha256: &str, content_type: &str, body: Body) -> Request {
        let query = [("productId", product.id.as_str()), ("fileSha256", sha256)];
        let mut request = self.request("POST", &format!("{FIRMWARE}/firmware"), &query, "");
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        *request.body_mut() = Some(body);
        request
    }

    /// Uploads a file as it should be; the firmware.
    pub(crate) async fn firmware(&self, product: &Product, file: &[u8]) -> Value {
        let part = reqwest::multipart::Part::bytes(file.to_vec()).file_name("固件 1.bin");
        let form = Form::new().text("name", "固件").text("version", "2.0").text("createBy", "huangliang");
        let form = form.part("file", part);
        let content_type = format!("multipart/form-data; boundary={}", form.boundary());
        let request = self.upload(product, &sha256(file), &content_type, Body::wrap_stream(form.into_stream()));
        self.send(request).await.result()
    }

    /// A task that has not started, by its id.
    pub(crate) async fn task(&self, product: &Product, firmware: &Value) -> String {
        let body = json!({
            "firmwareId": firmware["firmwareId"], "productId": product.number(), "jobName": "北向测试",
            "retryTimes": 0, "outTime": 24,
        });
        self.ok("POST", &format!("{UPGRADE}/task"), &[], body).await["jobId"].to_string()
    }

    /// Lets devices join a task.
    pub(crate) async fn join(&self, product: &Product, task: &str, devices: &str) {
        let body = json!({
            "jobId": task, "productId": product.number(), "operational": 1, "createBy": "t", "deviceIdList": devices,
        });
        self.ok("POST", &format!("{UPGRADE}/operational"), &[], body).await;
    }

    pub(crate) async fn start(&self, product: &Product, task: &str) {
        let body = json!({ "productId": product.number(), "runStatus": 2 });
        self.ok("PUT", &format!("{UPGRADE}/control"), &[("id", task)], body).await;
    }
}

/// An answer in JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The result of a success, in the document's envelope and nothing beside it.
    #[track_caller]
    pub(crate) fn result(mut self) -> Value {
        let result = self.body["result"].take();
        assert_eq!((self.status, &self.body), (200, &json!({"code": 0, "msg": "ok", "result": null})));
        result
    }

    /// What a refusal says, which must have this code and the API's own error body.
    #[track_caller]
    pub(crate) fn refused(&self, code: u16) -> &str {
        let desc = self.body["desc"].as_str().unwrap_or_default();
        assert_eq!((self.status, &self.body), (code, &json!({"code": code, "msg": message(code), "desc": desc})));
        assert!(!desc.is_empty(), "a refusal says why");
        desc
    }
}

/// The document's words for a code; the last two are ours.
fn message(code: u16) -> &'static str {
    match code {
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not found",
        503 => "Service Unavailable",
        405 => "Method not allowed",
        431 => "Request header fields too large",
        other => panic!("{other} is no refusal"),
    }
}

pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The test's own clock; the processes under test run on the same machine.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// Bytes that repeat nowhere within a cluster of the disk, so that a part taken from the wrong place is noticed.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(length)
    .collect()
}
