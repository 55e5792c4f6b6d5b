//! An installation with operators and organisations, and a client of its HTTP that nobody helps.

use std::{fmt::Write as _, fs};

use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};
use reqwest::{Method, StatusCode, multipart::Form, multipart::Part};
use serde_json::{Value, json};

use crate::{
    fleet::{listening, states},
    support::{Drover, PATIENCE, Setup, WORKER_ROLES, http},
};

pub(super) const PACKAGE: &str = "com.example.agent";
const APPS: &str = "/mdm/v1/clientupgrade/apps";
const GROUPS: &str = "/mdm/v1/clientupgrade/groups";

/// One ingress and one worker, a broker that asks the ingress about devices, and the tenant `acme` with the organisations east
/// and west below its root.
pub(super) struct Office {
    worker: Drover,
    ingress: Drover,
    /// What the operator calls with.
    token: String,
    setup: Setup,
    node: RabbitNode,
    database: TestDatabase,
}

impl Office {
    pub(super) async fn open() -> Self {
        let (port, internal) = (free_port(), format!("127.0.0.1:{}", free_port()));
        let asked = format!("http://{internal}");
        let (database, node) = tokio::join!(TestPostgres::database(), RabbitNode::start_with_mqtt(&asked));
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_HTTP__INTERNAL_LISTEN", internal)
            .with("DROVER_WORKERS__TICK_MS", 200)
            .with("DROVER_HTTP__PUBLIC_URL", format!("http://127.0.0.1:{port}"));
        setup.ok(&["tenant", "add", "acme"]);
        let added = setup.ok(&[
            "operator",
            "add",
            "--tenant",
            "acme",
            "--login",
            "ada",
            "--name",
            "Ada",
            "--role",
            "tenant_admin",
        ]);
        let password = added.lines().find_map(|line| line.strip_prefix("password")).unwrap().trim().to_owned();
        let mut ingress = setup.spawn_at(port, &["serve", "--roles", "ingress"]);
        let mut worker = setup.spawn(&["serve", "--roles", WORKER_ROLES]);
        tokio::join!(ingress.wait_ready(), worker.wait_ready());
        let mut office = Self { worker, ingress, token: String::new(), setup, node, database };
        let login = json!({"loginId": "ada", "password": password, "tenant": "acme"});
        let answer = office.call(Method::POST, "/mdm/oauth/token", Some(&login)).await;
        answer["access_token"].as_str().unwrap().clone_into(&mut office.token);
        office.import("organisations", "code,name,parent\neast,East,root\nwest,West,root\n".into()).await;
        office
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http().request(method, format!("{}{path}", self.ingress.base_url)).bearer_auth(&self.token)
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

    async fn import(&self, what: &str, csv: String) {
        let request =
            self.request(Method::POST, &format!("/admin/v1/imports/{what}")).header("content-type", "text/csv");
        let answer = request.body(csv).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }

    /// Devices of an organisation by CSV; returns a token each, as the fleet wants them.
    pub(super) async fn enrol(&self, organisation: &str, numbers: std::ops::RangeInclusive<u32>) -> String {
        let mut csv = "uuid,name,organisation,os,channel\n".to_owned();
        for n in numbers.clone() {
            writeln!(csv, "agent-{n:06},Phone {n},{organisation},51201,mqtt").unwrap();
        }
        self.import("devices", csv).await;
        let mut tokens = String::new();
        for n in numbers {
            let uuid = format!("agent-{n:06}");
            let issued = self.call(Method::POST, &format!("/admin/v1/devices/{uuid}/token"), None).await;
            writeln!(tokens, "{uuid},{}", issued["token"].as_str().unwrap()).unwrap();
        }
        tokens
    }

    /// The group `agent` for Android; its id.
    pub(super) async fn group(&self) -> String {
        let group = json!({"mdmClientAppGroup": {
            "name": "Agent", "groupCode": "agent", "terminalClass": "0", "uiFamily": "COPE,BYOD", "os": 51201}});
        assert_eq!(self.call(Method::POST, GROUPS, Some(&group)).await, json!({}));
        let page = self.call(Method::GET, &format!("{GROUPS}?filterText=agent"), None).await;
        assert_eq!(page["totalCount"], 1);
        page["contentList"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Uploads a file and makes it a version of the group; its id.
    pub(super) async fn version(&self, group: &str, code: i32, bytes: &[u8]) -> String {
        let form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name(format!("agent-{code}.apk")));
        let answer = self.request(Method::POST, "/mdm/v1/files").multipart(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let file: Value = answer.json().await.unwrap();
        let version = json!({"appFileUuid": file["fileUuid"], "packageName": PACKAGE, "appName": format!("agent-{code}.apk"),
            "appVersionCode": code, "appVersionName": format!("{code}.0"), "appSize": bytes.len(), "updateInfo": "Better."});
        let path = format!("{GROUPS}/{group}/apps");
        assert_eq!(self.call(Method::POST, &path, Some(&version)).await, json!({}));
        let page = self.call(Method::GET, &format!("{path}?sortKey=appVersionCode"), None).await;
        assert_eq!(page["contentList"][0]["appVersionCode"], code);
        page["contentList"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Publishes or distributes a version, forced.
    pub(super) async fn offer(&self, what: &str, version: &str, to: &str) {
        let target = json!({"targetId": to, "targetType": 57215});
        let body = json!({"appId": version, "forceUpdate": true, "applyTo": [target]});
        assert_eq!(self.call(Method::POST, &format!("{APPS}/{version}/{what}"), Some(&body)).await, json!({}));
    }

    /// The rows of one of a version's logs, oldest first.
    pub(super) async fn log(&self, version: &str, log: &str) -> Vec<Value> {
        let paging = if log == "upgrade_logs" { "pageSize=100" } else { "pageNum=-1&pageSize=-1" };
        let path = format!("{APPS}/{version}/{log}?{paging}&sortKey=id&sortValue=54101");
        let mut page = self.call(Method::GET, &path, None).await;
        let rows: Vec<Value> = serde_json::from_value(page["contentList"].take()).unwrap();
        assert_eq!(page["totalCount"], rows.len());
        rows
    }

    /// How many devices have which status in the upgrade log.
    pub(super) async fn statuses(&self, version: &str) -> Vec<(String, usize)> {
        let mut found = std::collections::BTreeMap::new();
        for row in self.log(version, "upgrade_logs").await {
            *found.entry(row["status"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        found.into_iter().collect()
    }

    pub(super) async fn cancel(&self, log: &str, id: &Value) {
        let path = format!("/mdm/v1/clientupgrade/{log}/{}/cancel", id.as_str().unwrap());
        assert_eq!(self.call(Method::PATCH, &path, None).await, json!({}));
    }

    /// What a device is offered that says it runs `code`; the parameters travel as a form.
    pub(super) async fn check(&self, device: &str, token: &str, code: i32) -> Value {
        let form = format!("deviceUuid={device}&appVersionCode={code}&groupCode=agent");
        let url = format!("{}/mdm/v1/devices_client/v2/check_app_version", self.ingress.base_url);
        let request = http().post(url).basic_auth(device, Some(token)).body(form);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{device}");
        answer.json().await.unwrap()
    }

    /// Fetches a file as a device does that knows its uuid only.
    pub(super) async fn download(&self, device: &str, token: &str, file: &str) -> Vec<u8> {
        let url = format!("{}/mdm/v1/files/{file}", self.ingress.base_url);
        let answer = http().get(url).basic_auth(device, Some(token)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.bytes().await.unwrap().to_vec()
    }

    /// A fleet of so many devices that log in with these tokens over MQTT, each in the same time.
    pub(super) async fn fleet(&self, devices: usize, tokens: &str, latency_ms: u32) -> Drover {
        let file = self.setup.data.path().join("tokens.csv");
        fs::write(&file, tokens).unwrap();
        let mqtt_url = format!("mqtt://127.0.0.1:{}", self.node.mqtt_port().unwrap());
        let args = format!(
            "simulate --over mqtt --prefix agent- --devices {devices} --mqtt-url {mqtt_url} --tokens {} --failure-rate 0 \
             --download-sample 1 --latency-min-ms {latency_ms} --latency-max-ms {latency_ms}",
            file.display()
        );
        let mut fleet = self.setup.spawn_plain(&args.split_whitespace().collect::<Vec<_>>());
        listening(&mut fleet).await;
        fleet
    }

    /// Waits until the commands are in these states.
    pub(super) async fn until(&self, expected: &[(&str, i64)]) {
        let client = self.database.client().await;
        let expected = expected.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect();
        wait_until(PATIENCE, &format!("commands to be {expected:?}"), async || states(&client).await == expected).await;
    }

    /// Ends the processes in good order, and asks the oracle.
    pub(super) async fn close(mut self) {
        assert!(self.worker.terminate().await && self.ingress.terminate().await);
        let verdict = self.setup.ok(&["check"]);
        assert!(verdict.starts_with("clean"), "{verdict}");
    }
}
