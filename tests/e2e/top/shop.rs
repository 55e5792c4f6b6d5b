//! An installation that publishes client programs and applications, and asks as its devices do.

use std::collections::BTreeMap;

use drover_testkit::{TestDatabase, TestPostgres, free_port, wait_until};
use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::callers::{App, Client, response};
use crate::support::{Drover, PATIENCE, Setup, http};

/// The device that has a user, in the east.
pub(super) const PHONE: &str = "phone-1";
/// The client program.
pub(super) const AGENT: &str = "com.example.agent";
const APPS: &str = "/mdm/v1/clientupgrade/apps";
const GROUPS: &str = "/mdm/v1/clientupgrade/groups";

/// One process with every role, and the tenant `acme`: organisations east and west, and a user in the east with a label and a phone.
pub(super) struct Shop {
    drover: Drover,
    setup: Setup,
    _database: TestDatabase,
    pub(super) tenant: String,
    /// What the operator calls with.
    token: String,
    /// What the phone logs in with.
    phone_token: String,
    pub(super) label: i64,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let (port, database) = (free_port(), TestPostgres::database().await);
        let setup = Setup::new(&database.url, None)
            .with("DROVER_WORKERS__TICK_MS", 200)
            .with("DROVER_HTTP__PUBLIC_URL", format!("http://127.0.0.1:{port}"));
        let tenant = last_word(&setup.ok(&["tenant", "add", "acme"]), "tenant");
        let add = "operator add --tenant acme --login ada --name Ada --role tenant_admin";
        let added = setup.ok(&add.split_whitespace().collect::<Vec<_>>());
        let mut drover = setup.spawn_at(port, &["up"]);
        drover.wait_ready().await;
        let (token, phone_token) = (String::new(), String::new());
        let mut shop = Self { drover, setup, _database: database, tenant, token, phone_token, label: 0 };
        let login = json!({"loginId": "ada", "password": last_word(&added, "password"), "tenant": "acme"});
        let answer = shop.call(Method::POST, "/mdm/oauth/token", Some(&login)).await;
        shop.token = text(&answer["access_token"]);
        for (what, csv) in [
            ("organisations", "code,name,parent\neast,East,root\nwest,West,root\n"),
            ("users", "account,name,organisation\nbo,Bo,east\n"),
            ("labels", "name,member\nfield,bo\n"),
            ("devices", "uuid,name,organisation,user,os,relationship,channel\nphone-1,Phone 1,east,bo,51201,1,poll\n"),
        ] {
            let request = shop.request(Method::POST, &format!("/admin/v1/imports/{what}"));
            let answer = request.header("content-type", "text/csv").body(csv).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{what}: {}", answer.text().await.unwrap());
        }
        let labels = shop.call(Method::GET, "/admin/v1/labels", None).await;
        shop.label = text(&labels["items"][0]["id"]).parse().unwrap();
        let issued = shop.call(Method::POST, &format!("/admin/v1/devices/{PHONE}/token"), None).await;
        shop.phone_token = text(&issued["token"]);
        shop
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http().request(method, format!("{}{path}", self.drover.base_url)).bearer_auth(&self.token)
    }

    /// Where it is called.
    pub(super) fn url(&self) -> &str {
        &self.drover.base_url
    }

    /// A call that must succeed; its answer.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// An application that signs calls to the gateway.
    pub(super) fn app(&self, options: &[&str]) -> App {
        let add = ["credential", "add", "--kind", "top", "--tenant", "acme"];
        let printed = self.setup.ok(&[&add[..], options].concat());
        App { key: last_word(&printed, "key"), secret: last_word(&printed, "secret") }
    }

    /// Takes an app key back, in a process of its own.
    pub(super) fn revoke(&self, app: &App) {
        self.setup.ok(&["credential", "revoke", "--kind", "top", "--key", &app.key]);
    }

    /// The group of the client program, for devices with the surface COPE; its id.
    pub(super) async fn group(&self) -> String {
        let group = json!({"mdmClientAppGroup":
            {"name": "Agent", "groupCode": "agent", "terminalClass": "0", "uiFamily": "COPE", "os": 51201}});
        self.call(Method::POST, GROUPS, Some(&group)).await;
        let page = self.call(Method::GET, &format!("{GROUPS}?filterText=agent"), None).await;
        text(&page["contentList"][0]["id"])
    }

    /// Uploads a version of the client program; its id.
    pub(super) async fn version(&self, group: &str, code: i32, bytes: &[u8]) -> String {
        let form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name(format!("agent-{code}.apk")));
        let answer = self.request(Method::POST, "/mdm/v1/files").multipart(form).send().await.unwrap();
        let file: Value = answer.json().await.unwrap();
        let version = json!({"appFileUuid": file["fileUuid"], "packageName": AGENT, "appName": "Agent",
            "appVersionCode": code, "appVersionName": format!("{code}.0"), "updateInfo": "更好"});
        let path = format!("{GROUPS}/{group}/apps");
        self.call(Method::POST, &path, Some(&version)).await;
        let page = self.call(Method::GET, &format!("{path}?sortKey=appVersionCode"), None).await;
        text(&page["contentList"][0]["id"])
    }

    /// Publishes or distributes a version to an organisation.
    pub(super) async fn offer(&self, what: &str, version: &str, to: &str, settings: &Value) {
        let settings = if settings.is_null() { String::new() } else { settings.to_string() };
        let target = json!({"targetId": to, "targetType": 57215, "distributeSettings": settings});
        let body = json!({"appId": version, "forceUpdate": true, "applyTo": [target]});
        self.call(Method::POST, &format!("{APPS}/{version}/{what}"), Some(&body)).await;
    }

    /// Makes a version void.
    pub(super) async fn obsolete(&self, version: &str) {
        self.call(Method::PATCH, &format!("{APPS}/{version}/obsolete"), None).await;
    }

    /// The rows of one of a version's logs, newest first.
    pub(super) async fn log(&self, version: &str, log: &str) -> Vec<Value> {
        let mut page = self.call(Method::GET, &format!("{APPS}/{version}/{log}?pageSize=100"), None).await;
        serde_json::from_value(page["contentList"].take()).unwrap()
    }

    /// Cancels the newest distribution of a version.
    pub(super) async fn cancel_distribution(&self, version: &str) {
        let id = text(&self.log(version, "distribute_logs").await[0]["id"]);
        self.call(Method::PATCH, &format!("/mdm/v1/clientupgrade/distribute_logs/{id}/cancel"), None).await;
    }

    /// Uploads an application and pushes it to the label, as required.
    pub(super) async fn push(&self, apk: Vec<u8>) {
        let form = Form::new().text("type", "1").part("file", Part::bytes(apk).file_name("example.apk"));
        let answer = self.request(Method::POST, "/apps/app/package").multipart(form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let push =
            json!({"labelIds": [self.label], "distributeType": "1", "distributeMode": "0", "deviceRelationship": "1"});
        self.call(Method::POST, &format!("/apps/app/{}/push", text(&answer["appId"])), Some(&push)).await;
    }

    /// Waits until the phone is told to install a version of the client program, and says that it did so.
    pub(super) async fn phone_upgrades(&self) {
        let as_phone = |method, path: &str| {
            let url = format!("{}{path}", self.drover.base_url);
            http().request(method, url).basic_auth(PHONE, Some(&self.phone_token))
        };
        let mut told = Value::Null;
        wait_until(PATIENCE, "the phone to be told", async || {
            let answer = as_phone(Method::GET, "/device/v1/commands?wait=1").send().await.unwrap();
            let commands = answer.json::<Value>().await.unwrap()["commands"].take();
            let upgrade = commands.as_array().unwrap().iter().find(|command| command["type"] == "upgrade_client");
            told = upgrade.cloned().unwrap_or_default();
            !told.is_null()
        })
        .await;
        let report = json!({"command_id": told["command_id"], "attempt": told["attempt"], "status": "succeeded"});
        let answer = as_phone(Method::POST, "/device/v1/reports").json(&report).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"results": ["applied"]}));
    }

    /// The parameters of a check by a device that says what it has.
    pub(super) fn parameters(&self, device: &str, installed: &[(&str, i64)], more: &[(&str, &str)]) -> Value {
        let installed: Vec<Value> =
            installed.iter().map(|(package, code)| json!({"packageName": package, "versionCode": code})).collect();
        let mut parameters = json!({"device_id": device, "tenant_id": self.tenant,
            "old_versions": Value::from(installed).to_string(), "attributes": r#"{"uiFamily": "COPE"}"#});
        for (name, value) in more {
            parameters[*name] = json!(value);
        }
        parameters
    }

    /// What a client makes of one call.
    pub(super) fn ask(&self, client: Client, app: &App, parameters: Value) -> Value {
        self.ask_all(client, app, &[parameters]).remove(0)
    }

    /// What a client makes of calls.
    pub(super) fn ask_all(&self, client: Client, app: &App, calls: &[Value]) -> Vec<Value> {
        client.call_all(self.url(), app, calls)
    }

    /// Waits until a check by the SDK finds this: the offered version of each package, and whether that is a rollback.
    pub(super) async fn until(&self, app: &App, parameters: &Value, expected: &[(&str, i64, bool)]) {
        let expected: BTreeMap<String, (i64, bool)> =
            expected.iter().map(|(package, code, back)| ((*package).to_owned(), (*code, *back))).collect();
        wait_until(PATIENCE, &format!("{expected:?} to be offered"), async || {
            offered(self.ask(Client::Sdk, app, parameters.clone())) == expected
        })
        .await;
    }

    /// Ends the process in good order, and asks the oracle.
    pub(super) async fn close(mut self) {
        assert!(self.drover.terminate().await);
        let verdict = self.setup.ok(&["check"]);
        assert!(verdict.starts_with("clean"), "{verdict}");
    }
}

/// The offered version of each package, and whether that is a rollback.
pub(super) fn offered(answer: Value) -> BTreeMap<String, (i64, bool)> {
    let rows = response(answer)["data"]["object"].take();
    let offer =
        |row: &Value| (text(&row["package_name"]), (row["version_code"].as_i64().unwrap(), row["uninstall_type"] == 1));
    rows.as_array().unwrap().iter().map(offer).collect()
}

/// What stands behind a name in lines that a command printed.
fn last_word(printed: &str, name: &str) -> String {
    printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
