//! What the examples in the documents name, so that there is something to look at, to change and to download. It is made by
//! the APIs themselves, and gets the ids that the examples have.

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::http;

const GROUPS: &str = "/mdm/v1/clientupgrade/groups";
const APPS: &str = "/mdm/v1/clientupgrade/apps";
const FILE: &[u8] = b"a client";

/// A client of one operator.
pub(super) struct Furnisher<'a> {
    pub(super) base_url: &'a str,
    pub(super) token: &'a str,
}

/// Applications of the store, of which some are for calls that end them.
const APPLICATIONS: i64 = 8;
/// Categories, of the same sort.
const CATEGORIES: i64 = 6;
/// Black lists, of the same sort.
const LISTS: i64 = 8;

/// What has no id that is known beforehand.
pub(super) struct Furniture {
    /// The file of every version.
    pub(super) file: String,
    /// What the device `d1` logs in with.
    pub(super) device_token: String,
}

impl Furnisher<'_> {
    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = http().request(method, format!("{}{path}", self.base_url)).bearer_auth(self.token);
        let answer = request.json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// What the document of the admin API names.
    pub(super) async fn office(&self) {
        for (collection, body) in [
            ("users", json!({ "account": "ann" })),
            ("groups", json!({ "name": "g" })),
            ("labels", json!({ "name": "l" })),
            ("devices", json!({ "uuid": "d1", "user": "ann", "os": 51201 })),
        ] {
            let made = self.call(Method::POST, &format!("/admin/v1/{collection}"), &body).await;
            assert!(collection == "devices" || made["id"] == "101", "{made}: the example of the document");
        }
    }

    /// What the calls of the application API are about; the id of the device `d1`, which has something installed.
    pub(super) async fn library(&self) -> i64 {
        for n in 1..=APPLICATIONS {
            let body = json!({ "itunesUrl": format!("https://itunes.apple.com/cn/app/example/id{n}?mt=8") });
            let made = self.call(Method::POST, "/apps/app/weburl", &body).await;
            assert_eq!(made["appId"], (100 + n).to_string());
        }
        for n in 1..=CATEGORIES {
            let made =
                self.call(Method::POST, "/apps/category", &json!({ "name": format!("c{n}"), "appIds": [102] })).await;
            assert_eq!(made["appCategoryId"], 100 + n);
        }
        // Those that are in no use can be deleted.
        self.call(Method::PUT, "/apps/app/102", &json!({ "catesId": "101" })).await;
        for n in 1..=LISTS {
            let body = json!({ "name": format!("l{n}"), "type": 2, "platformType": 1, "status": 1,
                "apps": [{ "appName": "Game", "pkgName": "com.example.game" }] });
            let made = self.call(Method::POST, "/apps/restriction", &body).await;
            assert_eq!(made["appStrategyId"], 100 + n);
        }
        let push =
            json!({ "userIds": [101], "distributeType": "1", "distributeMode": "0", "deviceRelationship": "1,2,3" });
        self.call(Method::POST, "/apps/app/101/push", &push).await;
        let device = self.call(Method::GET, "/admin/v1/devices/d1", &json!(null)).await;
        device["id"].as_str().unwrap().parse().unwrap()
    }

    /// What the document of the MDM API names: two groups with versions, published and distributed, and a device.
    pub(super) async fn catalogue(&self) -> Furniture {
        let issued = self.call(Method::POST, "/admin/v1/devices/d1/token", &json!(null)).await;
        let device_token = issued["token"].as_str().unwrap().to_owned();
        let form = Form::new().part("file", Part::bytes(FILE).file_name("agent.apk"));
        let upload = http().post(format!("{}/mdm/v1/files", self.base_url)).bearer_auth(self.token).multipart(form);
        let stored: Value = upload.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        let file = stored["fileUuid"].as_str().unwrap().to_owned();
        for (id, code, class) in [("101", "agent", "0"), ("102", "extended", "1")] {
            let group =
                json!({ "name": code, "groupCode": code, "terminalClass": class, "uiFamily": "COPE", "os": 51201 });
            self.call(Method::POST, GROUPS, &json!({ "mdmClientAppGroup": group })).await;
            let shown = self.call(Method::GET, &format!("{GROUPS}/{id}"), &json!(null)).await;
            assert_eq!(shown["groupCode"], code);
        }
        for (id, group, code) in [("1001", "101", 1), ("1002", "101", 2), ("1003", "102", 1)] {
            let package = if group == "101" { "com.example.agent" } else { "com.example.extended" };
            let version = json!({ "appFileUuid": file, "packageName": package, "appVersionCode": code,
                "appVersionName": format!("{code}.0") });
            self.call(Method::POST, &format!("{GROUPS}/{group}/apps"), &version).await;
            let shown = self.call(Method::GET, &format!("{APPS}/{id}"), &json!(null)).await;
            assert_eq!((&shown["groupId"], &shown["appVersionCode"]), (&json!(group), &json!(code)));
        }
        self.call(Method::PATCH, &format!("{GROUPS}/101/qr_codes?appId=1001"), &json!(null)).await;
        // A distribution that never begins does not end by itself.
        let never = r#"{"startTime": "2999-12-31 00:00:00"}"#;
        for (id, version, offer, settings) in [
            ("3001", "1001", "publish", ""),
            ("3002", "1001", "distribute", never),
            ("3003", "1002", "publish", ""),
            ("3004", "1003", "publish", ""),
        ] {
            let target = json!({ "targetId": "root", "targetType": 57215, "distributeSettings": settings });
            self.call(Method::POST, &format!("{APPS}/{version}/{offer}"), &json!({ "applyTo": [target] })).await;
            let log = self.call(Method::GET, &format!("{APPS}/{version}/{offer}_logs"), &json!(null)).await;
            assert_eq!(log["contentList"][0]["id"], id, "{log}");
        }
        Furniture { file, device_token }
    }
}
