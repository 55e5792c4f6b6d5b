//! An installation with users, a label, and devices that ask for their commands; and a client of its HTTP that nobody helps.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};
use reqwest::{
    Method, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::{
    fleet::listening,
    support::{Drover, PATIENCE, Setup, WORKER_ROLES, http},
};

/// Devices of one kind.
pub(super) const DEVICES: u32 = 100;
/// Users, each with as many devices of each kind as the others.
const USERS: u32 = 20;
/// A user without the label.
pub(super) const LATE: &str = "late";
/// That user's device, which the test itself plays.
pub(super) const HAND: &str = "hand-000001";
/// The most rows of one page of a list.
const ALL: &str = "limit=1000";

/// One ingress, one worker, a broker, and the tenant `acme` with twenty users who bear one label. Each has five phones and five
/// tablets.
pub(super) struct Estate {
    worker: Drover,
    ingress: Drover,
    /// What the operator calls with.
    token: String,
    /// What devices log in with, by their names for themselves.
    device_tokens: BTreeMap<String, String>,
    pub(super) label: i64,
    setup: Setup,
    _node: RabbitNode,
    _database: TestDatabase,
}

impl Estate {
    pub(super) async fn open() -> Self {
        let (database, node) = tokio::join!(TestPostgres::database(), RabbitNode::start());
        let port = free_port();
        let setup = Setup::new(&database.url, Some(&node.url()))
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
        let (token, device_tokens) = (String::new(), BTreeMap::new());
        let mut estate =
            Self { worker, ingress, token, device_tokens, label: 0, setup, _node: node, _database: database };
        let login = json!({"loginId": "ada", "password": password, "tenant": "acme"});
        let answer = estate.call(Method::POST, "/mdm/oauth/token", Some(&login)).await;
        answer["access_token"].as_str().unwrap().clone_into(&mut estate.token);
        estate.furnish().await;
        estate
    }

    async fn furnish(&mut self) {
        let (mut users, mut label) = ("account,name\n".to_owned(), "name,member\n".to_owned());
        for user in 1..=USERS {
            writeln!(users, "user{user},User {user}").unwrap();
            writeln!(label, "field,user{user}").unwrap();
        }
        let mut devices = "uuid,name,user,os,relationship,channel\n".to_owned();
        for (kind, n) in ["phone", "tablet"].into_iter().flat_map(|kind| (1..=DEVICES).map(move |n| (kind, n))) {
            let user = (n - 1) / (DEVICES / USERS) + 1;
            writeln!(devices, "{kind}-{n:06},{kind} {n},user{user},51201,1,poll").unwrap();
        }
        writeln!(users, "{LATE},Late").unwrap();
        writeln!(devices, "{HAND},hand,{LATE},51201,1,poll").unwrap();
        for (what, csv) in [("users", users), ("labels", label), ("devices", devices)] {
            let path = format!("/admin/v1/imports/{what}");
            let request = self.request(Method::POST, &path).header("content-type", "text/csv");
            let answer = request.body(csv).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        }
        let labels = self.call(Method::GET, "/admin/v1/labels", None).await;
        self.label = labels["items"][0]["id"].as_str().unwrap().parse().unwrap();
        let numbered = |kind| (1..=DEVICES).map(move |n| format!("{kind}-{n:06}"));
        for uuid in ["phone", "tablet"].into_iter().flat_map(numbered).chain([HAND.to_owned()]) {
            let issued = self.call(Method::POST, &format!("/admin/v1/devices/{uuid}/token"), None).await;
            self.device_tokens.insert(uuid, issued["token"].as_str().unwrap().to_owned());
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http().request(method, format!("{}{path}", self.ingress.base_url)).bearer_auth(&self.token)
    }

    /// A call's status and answer.
    pub(super) async fn answer(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
    }

    /// A call that must succeed; its answer.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.answer(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// Uploads a package for the enterprise; the application's id.
    pub(super) async fn upload(&self, apk: Vec<u8>) -> i64 {
        let form = Form::new().text("type", "1").part("file", Part::bytes(apk).file_name("example.apk"));
        let answer = self.request(Method::POST, "/apps/app/package").multipart(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        answer["appId"].as_str().unwrap().parse().unwrap()
    }

    /// The id of the user of an account.
    pub(super) async fn user(&self, account: &str) -> String {
        let found = self.call(Method::GET, &format!("/admin/v1/users?account={account}"), None).await;
        found["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Gives a user the label, or takes it away.
    pub(super) async fn change_label(&self, how: &str, user: &str) {
        let path = format!("/admin/v1/labels/{}/members", self.label);
        self.call(Method::PATCH, &path, Some(&json!({ how: [user] }))).await;
    }

    fn as_hand(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http()
            .request(method, format!("{}{path}", self.ingress.base_url))
            .basic_auth(HAND, Some(&self.device_tokens[HAND]))
    }

    /// Waits until the hand is told something of this type, and says that it did so. What it was told.
    pub(super) async fn hand_does(&self, kind: &str) -> Value {
        let mut told = Value::Null;
        wait_until(PATIENCE, kind, async || {
            let answer = self.as_hand(Method::GET, "/device/v1/commands?wait=1").send().await.unwrap();
            told = answer.json::<Value>().await.unwrap()["commands"][0].take();
            told["type"] == kind
        })
        .await;
        let report = json!({"command_id": told["command_id"], "attempt": told["attempt"], "status": "succeeded"});
        let answer = self.as_hand(Method::POST, "/device/v1/reports").json(&report).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"results": ["applied"]}));
        told
    }

    /// Where an application stands on each device, by the device's name.
    pub(super) async fn distribution(&self, app: i64, filter: &str) -> BTreeMap<String, i64> {
        let path = format!("/apps/app/{app}/distribution?{ALL}{filter}");
        let mut rows: Vec<Value> = Vec::new();
        // They are counted and read one after the other, and meanwhile devices are planned.
        wait_until(PATIENCE, "rows and their number to agree", async || {
            let mut found = self.call(Method::GET, &path, None).await;
            rows = serde_json::from_value(found["rows"].take()).unwrap();
            found["total"] == rows.len()
        })
        .await;
        let state = |row: &Value| {
            let name = row["deviceName"].as_str().unwrap().to_owned();
            (name, row["installStatus"].as_i64().unwrap())
        };
        rows.iter().map(state).collect()
    }

    /// Waits until an application stands on the devices as it should.
    pub(super) async fn until(&self, app: i64, what: &str, expected: impl Fn(&BTreeMap<String, i64>) -> bool) {
        wait_until(PATIENCE, what, async || expected(&self.distribution(app, "").await)).await;
    }

    /// An application in the list of all, `None` when it is gone.
    pub(super) async fn listed(&self, app: i64) -> Option<Value> {
        let found = self.call(Method::GET, &format!("/apps/app?{ALL}"), None).await;
        found["rows"].as_array().unwrap().iter().find(|row| row["id"] == app).cloned()
    }

    /// Has a device say what it has installed.
    pub(super) async fn say_installed(&self, uuid: &str, inventory: &Value) {
        let url = format!("{}/device/v1/apps", self.ingress.base_url);
        let answer =
            http().put(url).basic_auth(uuid, Some(&self.device_tokens[uuid])).json(inventory).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// Switches on the devices of one kind. One in ten refuses whatever it is told.
    pub(super) async fn switch_on(&self, kind: &str) -> Drover {
        let file = self.setup.data.path().join(format!("{kind}.csv"));
        let own = self.device_tokens.iter().filter(|(uuid, _)| uuid.starts_with(kind));
        let tokens: Vec<String> = own.map(|(uuid, token)| format!("{uuid},{token}")).collect();
        fs::write(&file, tokens.join("\n") + "\n").unwrap();
        let args = format!(
            "simulate --over poll --prefix {kind}- --devices {DEVICES} --http-url {} --tokens {} --failure-rate 0 \
             --refusal-rate 0.1 --download-sample 0.1 --latency-min-ms 50 --latency-max-ms 300",
            self.ingress.base_url,
            file.display()
        );
        let mut fleet = self.setup.spawn_plain(&args.split_whitespace().collect::<Vec<_>>());
        listening(&mut fleet).await;
        fleet
    }

    /// Ends the processes in good order, and asks the oracle.
    pub(super) async fn close(mut self) {
        assert!(self.worker.terminate().await && self.ingress.terminate().await);
        let verdict = self.setup.ok(&["check"]);
        assert!(verdict.starts_with("clean"), "{verdict}");
    }
}

/// How many devices there are of each status.
pub(super) fn counted(found: &BTreeMap<String, i64>) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    for status in found.values() {
        *counts.entry(*status).or_insert(0) += 1;
    }
    counts
}
