//! What is published through the MDM API is what a device is told to run.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::world::World;

pub(crate) const PACKAGE: &str = "com.example.client";
const UPGRADES: &str = "/mdm/v1/clientupgrade";

/// An operator who publishes.
pub(crate) struct Publisher<'a> {
    world: &'a World,
    token: String,
}

impl<'a> Publisher<'a> {
    pub(crate) async fn new(world: &'a World) -> Self {
        Self { world, token: world.token("acme").await }
    }

    async fn call(&self, method: &str, path: &str, label: &str, body: impl Into<Body>) -> Value {
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.token));
        let answer = self.world.send(request.header("content-type", label).body(body.into()).unwrap()).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        serde_json::from_str(&answer.text()).unwrap()
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &format!("{UPGRADES}{path}"), "application/json", body.to_string()).await
    }

    async fn file(&self, name: &str) -> String {
        let form = format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nbytes of {name}\r\n--B--\r\n"
        );
        let answer = self.call("POST", "/mdm/v1/files", "multipart/form-data; boundary=B", form).await;
        answer["fileUuid"].as_str().unwrap().to_owned()
    }

    /// A client program; its id.
    pub(crate) async fn group(&self) -> String {
        let group = json!({"name": "测试 <应用> & \"Co\"", "groupCode": "client", "terminalClass": "0", "uiFamily": "", "os": 51201});
        self.json("POST", "/groups", &json!({ "mdmClientAppGroup": group })).await;
        let found = self.json("GET", "/groups", &Value::Null).await;
        found["contentList"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A version of it that is published to everybody; its id.
    pub(crate) async fn published(&self, group: &str, code: i64) -> String {
        let version = json!({"appFileUuid": self.file(&format!("{code}.apk")).await, "packageName": PACKAGE,
            "appIconUuid": self.file("icon.png").await, "appVersionCode": code, "appVersionName": format!("{code}.0.0"),
            "updateInfo": "更新\n版本"});
        self.json("POST", &format!("/groups/{group}/apps"), &version).await;
        let newest = self.json("GET", &format!("/groups/{group}/apps?sortKey=id&pageSize=1"), &Value::Null).await;
        let id = newest["contentList"][0]["id"].as_str().unwrap().to_owned();
        let publish = json!({"appId": id, "applyTo": [{"targetId": "root", "targetType": 57215}]});
        self.json("POST", &format!("/apps/{id}/publish"), &publish).await;
        id
    }

    /// Withdraws a version.
    pub(crate) async fn obsolete(&self, id: &str) {
        self.json("PATCH", &format!("/apps/{id}/obsolete"), &Value::Null).await;
    }
}

#[tokio::test]
async fn a_device_is_told_what_is_newer_and_what_it_must_go_back_to() {
    let world = World::new().await;
    let publisher = Publisher::new(&world).await;
    let group = publisher.group().await;
    let check = async |installed: Option<i64>| {
        let versions = installed.map_or_else(|| json!([]), |code| json!({"packageName": PACKAGE, "versionCode": code}));
        let answer = world.post(&world.check(&[("old_versions", &versions.to_string())])).await.response();
        answer["data"]["object"].as_array().unwrap().clone()
    };
    assert_eq!(check(None).await, Vec::<Value>::new());

    publisher.published(&group, 1).await;
    let new = check(None).await;
    assert_eq!(new.len(), 1, "{new:?}");
    let entry = &new[0];
    for (field, value) in [
        ("package_name", json!(PACKAGE)),
        ("app_name", json!("测试 <应用> & \"Co\"")),
        ("auto_install", json!(true)),
        ("version_name", json!("1.0.0")),
        ("version_code", json!(1)),
        ("update_desc", json!("更新\n版本")),
        ("size", json!("bytes of 1.apk".len())),
        ("status", json!(1)),
        ("config_json", json!("{}")),
        ("uninstall_type", json!(0)),
        ("platform", json!(0)),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
    let url = entry["download_url"].as_str().unwrap();
    let file = Request::get(url.strip_prefix("http://drover.test").unwrap()).body(Body::empty()).unwrap();
    assert_eq!(world.send(file).await.text(), "bytes of 1.apk");

    assert_eq!(check(Some(1)).await, Vec::<Value>::new());
    let second = publisher.published(&group, 2).await;
    assert_eq!(check(Some(1)).await[0]["version_code"], 2);
    publisher.obsolete(&second).await;
    let back = &check(Some(2)).await[0];
    assert_eq!((&back["version_code"], &back["uninstall_type"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_who_takes_it() {
    let world = World::new().await;
    let publisher = Publisher::new(&world).await;
    publisher.published(&publisher.group().await, 1).await;
    let send = async |changed: &[(&str, &str)], accepts: &str| {
        let mut request = crate::world::form("", &world.check(changed));
        request.headers_mut().insert("accept-encoding", accepts.parse().unwrap());
        world.send(request).await
    };
    let compressed = send(&[], "gzip, deflate").await;
    assert_eq!((compressed.header("content-encoding"), compressed.header("vary")), ("gzip", "accept-encoding"));
    let plain = send(&[], "identity").await;
    assert_eq!(plain.header("content-encoding"), "");
    let entries = |answer: &crate::world::Answer| answer.response()["data"]["object"].as_array().unwrap().len();
    assert_eq!((entries(&compressed), entries(&plain)), (1, 1));
    assert!(compressed.body.len() < plain.body.len());
    let short = send(&[("device_id", "")], "gzip").await;
    assert_eq!((short.header("content-encoding"), short.error().0), ("", 40), "not worth it");
}
