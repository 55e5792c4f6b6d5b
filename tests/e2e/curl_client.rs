//! The whole life of a task, driven by `client.sh`: bash, curl and openssl.

mod devices;

use std::path::Path;

use drover_testkit::{TestPostgres, wait_until};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    support::{Drover, PATIENCE, Setup},
    vendor::{FIRMWARE, Product, UPGRADE, Vendor, noise, sha256},
};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/client.sh");

/// The client of one product's owner.
struct Curl {
    server: String,
    vendor: Vendor,
    product: Product,
    /// Whether it sends the MasterKey.
    shows_master_key: bool,
}

impl Curl {
    fn new(drover: &Drover, vendor: &Vendor, product: Product, shows_master_key: bool) -> Self {
        Self { server: drover.base_url.clone(), vendor: vendor.clone(), product, shows_master_key }
    }

    /// Runs the client; the answer with its status.
    async fn run(&self, method: &str, path: &str, query: &[(&str, &str)], rest: &[&str]) -> (u16, Value) {
        let mut command = Command::new(CLIENT);
        command.env("SERVER", &self.server).env("APP_KEY", &self.vendor.key).env("APP_SECRET", &self.vendor.secret);
        if self.shows_master_key {
            command.env("MASTER_KEY", &self.product.master_key);
        }
        command.args([method, path]).args(query.iter().map(|(name, value)| format!("{name}={value}"))).args(rest);
        let output = command.output().await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{method} {path}: {err}");
        let (answer, status) = out.trim_end().rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(answer).unwrap())
    }

    async fn ok(&self, method: &str, path: &str, query: &[(&str, &str)], rest: &[&str]) -> Value {
        let (status, mut answer) = self.run(method, path, query, rest).await;
        assert_eq!((status, &answer["code"], &answer["msg"]), (200, &json!(0), &json!("ok")), "{path}: {answer}");
        answer["result"].take()
    }

    /// Reads something of the product.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let query = [query, &[("productId", self.product.id.as_str())]].concat();
        self.ok("GET", &format!("{UPGRADE}{path}"), &query, &[]).await
    }

    /// Sends a body, with the product in it; the answer with its status.
    async fn send(&self, method: &str, path: &str, query: &[(&str, &str)], mut body: Value) -> (u16, Value) {
        body["productId"] = self.product.number().into();
        let body = body.to_string();
        self.run(method, &format!("{UPGRADE}{path}"), query, &["--body", &body]).await
    }

    /// The same, which must succeed.
    async fn does(&self, method: &str, path: &str, query: &[(&str, &str)], body: Value) {
        let (status, answer) = self.send(method, path, query, body).await;
        assert_eq!((status, answer), (200, json!({"code": 0, "msg": "ok", "result": "SUCCESS"})), "{method} {path}");
    }

    async fn upload(&self, file: &Path, bytes: &[u8]) -> Value {
        let hash = sha256(bytes);
        std::fs::write(file, bytes).unwrap();
        let part = format!("file=@{}", file.display());
        let query = [("productId", self.product.id.as_str()), ("fileSha256", &hash)];
        let form = ["--form", "name=固件", "version=2.0", "description=说明", "createBy=huangliang", &part];
        self.ok("POST", &format!("{FIRMWARE}/firmware"), &query, &form).await
    }

    async fn operate(&self, task: &str, operation: u8, list: (&str, Value)) -> (u16, Value) {
        let mut body =
            json!({"createBy": "huangliang", "jobId": task.parse::<i64>().unwrap(), "operational": operation});
        body[list.0] = list.1;
        self.send("POST", "/operational", &[], body).await
    }

    /// The subtasks in state `code`, as (device, subtask).
    async fn subtasks(&self, task: &str, code: &str) -> Vec<(String, String)> {
        let page = self.get("/details", &[("id", task), ("taskStatus", code)]).await;
        let subtask = |row: &Value| (row["deviceId"].as_str().unwrap().to_owned(), row["taskId"].to_string());
        page["list"].as_array().unwrap().iter().map(subtask).collect()
    }

    async fn finished(&self, task: &str) -> Value {
        wait_until(PATIENCE, "the task to finish", async || {
            self.get("/detail", &[("id", task)]).await["jobStatus"] == 3
        })
        .await;
        self.get("/detail", &[("id", task)]).await
    }
}

/// An installation with its own broker, one product and devices `d1` to `d<count>`.
async fn world(protocol: &str, devices: usize, shows_master_key: bool) -> (Drover, Setup, Curl) {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    let drover = setup.start(&["up"]).await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "meters", protocol);
    vendor.import(&setup, &product, "d", devices);
    let curl = Curl::new(&drover, &vendor, product, shows_master_key);
    (drover, setup, curl)
}

fn is_text_time(time: &Value) -> bool {
    let shape: String = time.as_str().unwrap().chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape == "9999-99-99 99:99:99"
}

/// The devices of a page, which are in no order that is promised.
fn names(page: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        page["list"].as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_lwm2m_task_from_upload_to_deletion() {
    let (_drover, setup, curl) = world("lwm2m", 12, true).await;
    let bytes = noise(100_000);
    let firmware = curl.upload(&setup.data.path().join("固件 1.bin"), &bytes).await;
    assert_eq!(firmware["fileSha256"], sha256(&bytes));
    assert_eq!((&firmware["fileSize"], &firmware["fileName"]), (&json!(100_000), &json!("固件 1.bin")));
    let id = firmware["firmwareId"].to_string();
    let of_product = ("productId", curl.product.id.as_str());
    let shown = curl.ok("GET", &format!("{FIRMWARE}/firmware"), &[("id", &id), of_product], &[]).await;
    assert_eq!((&shown["firmwareName"], &shown["firmwareVersion"]), (&json!("固件"), &json!("2.0")));
    let listed = curl.ok("GET", &format!("{FIRMWARE}/firmwares"), &[of_product], &[]).await;
    assert_eq!((&listed["total"], &listed["list"][0]["firmwareId"]), (&json!(1), &firmware["firmwareId"]));

    let new = json!({
        "createBy": "huangliang", "firmwareId": firmware["firmwareId"], "jobDesc": "sddd", "jobName": "北向测试",
        "retryTimes": 1, "outTime": "129",
    });
    let (status, created) = curl.send("POST", "/task", &[], new).await;
    assert_eq!(status, 200, "{created}");
    assert_eq!((&created["result"]["productProtocol"], &created["result"]["retryTimes"]), (&json!(3), &json!(1)));
    let task = created["result"]["jobId"].to_string();
    let by_id = [("id", task.as_str())];

    let found = curl.get("/tasks", &[("searchValue", "向测")]).await;
    assert_eq!((&found["total"], &found["list"][0]["jobName"]), (&json!(1), &json!("北向测试")));
    assert_eq!(curl.get("/tasks", &[("searchValue", "%")]).await["total"], 0);
    let shown = curl.get("/task", &by_id).await;
    assert_eq!((&shown["jobStatus"], &shown["takeTime"], &shown["outTime"]), (&json!(1), &json!(""), &json!(0)));
    assert!(is_text_time(&shown["createTime"]), "{shown}");

    curl.does("PUT", "/task", &by_id, json!({"jobName": "改名", "retryTimes": "2", "updateBy": "li"})).await;
    let shown = curl.get("/task", &by_id).await;
    assert_eq!((&shown["jobName"], &shown["retryTimes"]), (&json!("改名"), &json!(2)));
    assert_eq!(shown["jobDesc"], "sddd", "what is not sent stays");

    searches_and_pages(&curl).await;
    let start = json!({"runStatus": 2});
    assert_eq!(curl.send("PUT", "/control", &by_id, start.clone()).await.0, 400, "nobody has joined");
    let list = json!([{"deviceId": "d1"}, {"deviceId": "d2"}, {"deviceId": "d10"}]);
    let joined = curl.operate(&task, 1, ("deviceInfoList", list)).await;
    assert_eq!((joined.0, &joined.1["result"]), (200, &json!("SUCCESS")));
    let page = curl.get("/devices", &[("id", &task), ("isSelectDevice", "1")]).await;
    assert_eq!(names(&page), ["d1", "d10", "d2"]);
    let row = &page["list"][0];
    assert!(row["taskId"].is_i64() && row["createTime"].is_i64(), "{row}");
    assert_eq!((&row["taskState"], &row["resultCode"]), (&json!("0"), &json!("-1")));
    assert_eq!(curl.get("/devices", &[("isSelectDevice", "2")]).await["total"], 9, "the others can join");
    assert_eq!(curl.get("/detail", &by_id).await["allNum"], 3);

    curl.does("PUT", "/control", &by_id, start.clone()).await;
    assert_eq!(curl.send("PUT", "/control", &by_id, start).await.0, 400, "it has started");
    let shown = curl.get("/task", &by_id).await;
    assert_eq!((&shown["jobStatus"], &shown["takeTime"]), (&json!(2), &json!("0时0分")));
    assert_eq!(curl.send("PUT", "/task", &by_id, json!({"jobName": "x"})).await.0, 400, "it has started");
    assert_eq!(curl.run("DELETE", &format!("{UPGRADE}/task"), &[by_id[0], of_product], &[]).await.0, 400);

    let waiting = curl.subtasks(&task, "0").await;
    assert_eq!(waiting.len(), 3);
    let (device, first) = waiting[0].clone();
    assert_eq!(curl.operate(&task, 2, ("taskIdList", json!(first))).await.0, 200);
    let cancelled = curl.subtasks(&task, "10").await;
    assert_eq!(cancelled, [(device, first.clone())], "no device has it: cancelled at once");
    assert_eq!(curl.operate(&task, 2, ("taskIdList", json!(first))).await.0, 400, "it has ended");
    assert_eq!(curl.operate(&task, 3, ("taskIdList", json!(waiting[1].1))).await.0, 400, "it has not ended");
    assert_eq!(curl.operate(&task, 3, ("taskIdList", json!(first))).await.0, 200);
    assert_eq!(curl.subtasks(&task, "0").await.len(), 3, "a retry starts again at 0");
    for (search, total) in [("D1", 2), ("sn-d-1", 2), ("设备 2", 1), ("860123456780010", 1), ("nothing", 0)] {
        let found = curl.get("/details", &[("id", &task), ("searchValue", search)]).await;
        assert_eq!(found["total"], total, "{search}");
    }
    assert_eq!(two_pages(&curl, "/details", by_id[0], "2", 3).await, ["d1", "d10", "d2"]);

    let all: Vec<String> = waiting.into_iter().map(|(_, subtask)| subtask).collect();
    assert_eq!(curl.operate(&task, 2, ("taskIdList", json!(all.join(",")))).await.0, 200);
    assert_eq!(curl.finished(&task).await["allNum"], 3);
    curl.ok("DELETE", &format!("{UPGRADE}/task"), &[by_id[0], of_product, ("updateBy", "li")], &[]).await;
    assert_eq!(curl.run("GET", &format!("{UPGRADE}/task"), &[by_id[0], of_product], &[]).await.0, 404);
    curl.ok("DELETE", &format!("{FIRMWARE}/firmware"), &[("id", &id), of_product], &[]).await;
    assert_eq!(curl.run("GET", &format!("{FIRMWARE}/firmware"), &[("id", &id), of_product], &[]).await.0, 404);
    assert!(setup.ok(&["check"]).starts_with("clean"));
}

/// The devices of a list that has two pages.
async fn two_pages(curl: &Curl, path: &str, which: (&str, &str), size: &str, total: usize) -> Vec<String> {
    let mut all = Vec::new();
    for number in ["1", "2"] {
        let page = curl.get(path, &[which, ("pageNow", number), ("pageSize", size)]).await;
        assert_eq!((page["pageNum"].to_string(), page["pageSize"].to_string()), (number.to_owned(), size.to_owned()));
        assert_eq!(page["total"], total);
        all.extend(names(&page).into_iter().map(str::to_owned));
    }
    all.sort_unstable();
    all
}

/// Devices that can join, of which there are twelve.
async fn searches_and_pages(curl: &Curl) {
    let can_join = ("isSelectDevice", "2");
    let all = ["d1", "d10", "d11", "d12", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9"];
    assert_eq!(two_pages(curl, "/devices", can_join, "10", 12).await, all);
    for (search, value, total) in [
        ("deviceIdSearch", "d1", 1),
        ("deviceIdSearch", "d", 0),
        ("deviceNameSearch", "d 设备 3", 1),
        ("imeiSearch", "860123456780004", 1),
        ("deviceNoSearch", "sn-d-5", 1),
        ("deviceGroupIdSearch", "group-d", 12),
        ("deviceGroupIdSearch", "group", 0),
        ("deviceNameSearch", "", 12),
    ] {
        assert_eq!(curl.get("/devices", &[can_join, (search, value)]).await["total"], total, "{search}={value}");
    }
    let row = &curl.get("/devices", &[can_join, ("deviceIdSearch", "d1")]).await["list"][0];
    assert_eq!((&row["taskId"], &row["taskState"], &row["resultCode"]), (&json!(""), &json!(""), &json!("")));
    assert_eq!((&row["netStatus"], &row["deviceGroupId"]), (&json!(2), &json!("group-d")));
}

#[tokio::test]
async fn a_tlink_task_from_upload_to_deletion() {
    // Without a MasterKey, which is optional.
    let (_drover, setup, curl) = world("tlink", 3, false).await;
    let firmware = curl.upload(&setup.data.path().join("fw.bin"), b"bytes").await;
    let mut new = json!({"firmwareId": firmware["firmwareId"], "jobName": "北向", "retryTimes": 1});
    assert_eq!(curl.send("POST", "/task", &[], new.clone()).await.0, 400, "T-Link requires outTime");
    new["outTime"] = "129".into();
    let created = curl.send("POST", "/task", &[], new).await.1;
    assert_eq!((&created["result"]["productProtocol"], &created["result"]["retryTimes"]), (&json!(1), &json!(0)));
    assert_eq!(created["result"]["outTime"], 129);
    let task = created["result"]["jobId"].to_string();
    let by_id = [("id", task.as_str())];
    curl.does("PUT", "/task", &by_id, json!({"outTime": "24"})).await;
    assert_eq!(curl.get("/task", &by_id).await["outTime"], 24);

    assert_eq!(curl.operate(&task, 1, ("deviceIdList", json!("d1,d3"))).await.0, 200);
    assert_eq!(names(&curl.get("/devices", &[("id", &task), ("isSelectDevice", "1")]).await), ["d1", "d3"]);
    assert_eq!(names(&curl.get("/devices", &[("isSelectDevice", "2")]).await), ["d2"]);
    curl.does("PUT", "/control", &by_id, json!({"runStatus": "2"})).await;

    let of_product = ("productId", curl.product.id.as_str());
    let details = format!("{UPGRADE}/details");
    assert_eq!(curl.run("GET", &details, &[by_id[0], of_product], &[]).await.0, 400, "T-Link requires taskStatus");
    let waiting = curl.subtasks(&task, "1").await;
    assert_eq!(waiting.len(), 2);
    for (code, total) in [("2", 0), ("3", 0), ("4", 0)] {
        assert_eq!(curl.subtasks(&task, code).await.len(), total, "{code}");
    }
    let (first, second) = (waiting[0].1.clone(), waiting[1].1.clone());
    assert_eq!(curl.operate(&task, 3, ("taskIdList", json!(first))).await.0, 400, "T-Link knows no retry");
    let list = json!(format!("{first},{second}"));
    assert_eq!(curl.operate(&task, 2, ("taskIdList", list)).await.0, 200);
    assert_eq!(curl.subtasks(&task, "4").await.len(), 2);
    assert_eq!(curl.finished(&task).await["allNum"], 2);
    assert_eq!(curl.operate(&task, 3, ("taskIdList", json!(first))).await.0, 400, "nor when it has ended");
    curl.ok("DELETE", &format!("{UPGRADE}/task"), &[by_id[0], of_product], &[]).await;
}
