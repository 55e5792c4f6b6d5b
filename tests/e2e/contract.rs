//! The document's own samples and rules, held against the real process. The samples are copied into `fixtures/aep`.

mod parameters;
mod signatures;

use std::path::Path;

use drover_testkit::TestPostgres;
use serde_json::{Value, json};

use crate::{
    support::{Drover, Setup},
    vendor::{Client, Product, UPGRADE, Vendor},
};

/// Numbers that are "" where there is none (requirements.md, D4 and D10), so that a sample may show either.
const NUMBER_OR_EMPTY: [&str; 5] =
    ["devices.taskId", "devices.onlineAt", "devices.offlineAt", "details.updateTime", "details.finishTime"];

/// A vendor with a product of each protocol that the document tells apart, and a stranger's product.
struct World {
    _drover: Drover,
    client: Client,
    lwm2m: Product,
    tlink: Product,
    foreign: Product,
    _setup: Setup,
}

impl World {
    async fn new() -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, None);
        let drover = setup.start(&["up"]).await;
        let vendor = Vendor::enrol(&setup, "vendor");
        let lwm2m = vendor.product(&setup, "meters", "lwm2m");
        let tlink = vendor.product(&setup, "boxes", "tlink");
        vendor.import(&setup, &lwm2m, "m", 3);
        vendor.import(&setup, &tlink, "b", 3);
        let foreign = Vendor::enrol(&setup, "stranger").product(&setup, "secret", "lwm2m");
        let client = Client::new(&drover.base_url, &vendor);
        Self { _drover: drover, client, lwm2m, tlink, foreign, _setup: setup }
    }
}

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/fixtures/aep").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A sample request with our ids in it.
fn request(name: &str, changes: &Value) -> Value {
    let mut body = fixture(&format!("{name}.request.json"));
    for (field, value) in changes.as_object().unwrap() {
        assert!(body.get(field).is_some(), "{name} has no {field}");
        body[field] = value.clone();
    }
    body
}

/// Asserts that a result has the fields of a sample's result, each of its type, and no others. A sample's list shows
/// how each entry looks.
#[track_caller]
fn assert_like(call: &str, result: &Value, sample: &Value) {
    match (result, sample) {
        (Value::Object(found), Value::Object(wanted)) => {
            let (names, expected): (Vec<_>, Vec<_>) = (found.keys().collect(), wanted.keys().collect());
            assert_eq!(names, expected, "{call}");
            for (name, value) in found {
                assert_like(&format!("{call}.{name}"), value, &wanted[name]);
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            assert!(!found.is_empty(), "{call} is empty: that proves nothing");
            for entry in found {
                assert_like(call.trim_end_matches(".list"), entry, &wanted[0]);
            }
        }
        _ if NUMBER_OR_EMPTY.contains(&call) => assert!(result.is_i64() || result == "", "{call}: {result}"),
        (Value::Number(found), Value::Number(_)) => assert!(found.is_i64(), "{call}: {result}"),
        (Value::String(_), Value::String(_)) => {}
        _ => panic!("{call}: {result} is not of the type of {sample}"),
    }
}

#[tokio::test]
async fn every_answer_has_the_fields_of_the_documents_sample() {
    let world = World::new().await;
    for product in [&world.lwm2m, &world.tlink] {
        whole_life(&world.client, product).await;
    }
}

/// Makes every call of the document once, with its own sample bodies.
async fn whole_life(client: &Client, product: &Product) {
    let is_lwm2m = product.name == "meters";
    let (id, number) = (("productId", product.id.as_str()), product.number());
    let firmware = client.firmware(product, b"bytes").await;
    let path = |call: &str| format!("{UPGRADE}/{call}");
    let ours = async |sample: &str, method: &str, name: &str, query: &[(&str, &str)], body: Value| {
        let result = client.ok(method, &path(name), query, body).await;
        assert_like(sample, &result, &fixture(&format!("{sample}.answer.json"))["result"]);
        result
    };

    let body = request("create", &json!({"firmwareId": firmware["firmwareId"], "productId": number}));
    let mut created = client.ok("POST", &path("task"), &[], body.clone()).await;
    // Ours beside the sample's, which is an LwM2M task (docs/api/aep.md, D8).
    let out_time = created.as_object_mut().unwrap().remove("outTime");
    assert_eq!(out_time, (!is_lwm2m).then(|| json!(129)));
    assert_like("create", &created, &fixture("create.answer.json")["result"]);
    for field in ["productId", "jobName", "jobDesc", "firmwareId", "createBy"] {
        assert_eq!(created[field], body[field], "{field}");
    }
    assert_eq!(created["retryTimes"], i32::from(is_lwm2m));
    assert_eq!(created["productProtocol"], if is_lwm2m { 3 } else { 1 });
    let task = created["jobId"].to_string();
    let by_id = ("id", task.as_str());

    let body = request("modify", &json!({"productId": number}));
    ours("modify", "PUT", "task", &[by_id], body).await.assert_success();
    let shown = ours("task", "GET", "task", &[by_id, id], Value::Null).await;
    assert_eq!((&shown["jobName"], &shown["productName"]), (&json!("北向测试"), &json!(product.name)));
    let url = shown["firmwareUrl"].as_str().unwrap();
    assert!(url.starts_with(&client.base_url), "a link that works: {url}");

    let (join, change, devices) = if is_lwm2m {
        ("operational.lwm2m-join", "operational.lwm2m-cancel-or-retry", json!([{"deviceId": "m1"}, {"deviceId": "m2"}]))
    } else {
        ("operational.tlink-join", "operational.tlink-cancel", json!("b1,b2"))
    };
    let list = if is_lwm2m { "deviceInfoList" } else { "deviceIdList" };
    let body = request(join, &json!({"productId": number, "jobId": created["jobId"], "operational": 1, list: devices}));
    ours("operational", "POST", "operational", &[], body).await.assert_success();
    let body = request("control", &json!({"productId": number}));
    ours("control", "PUT", "control", &[by_id], body).await.assert_success();

    for (select, total) in [("1", 2), ("2", 1)] {
        let query = [by_id, id, ("isSelectDevice", select)];
        let page = ours("devices", "GET", "devices", &query, Value::Null).await;
        assert_eq!(page["total"], total);
    }
    let (first, ended) = if is_lwm2m { ("0", "10") } else { ("1", "4") };
    let details = async |status: &str| {
        let query = [by_id, id, ("taskStatus", status)];
        ours("details", "GET", "details", &query, Value::Null).await
    };
    let waiting = details(first).await;
    assert_eq!((&waiting["total"], &waiting["list"][0]["resultCode"]), (&json!(2), &json!("-1")));
    assert_eq!(waiting["list"][0]["finishTime"], "");
    let subtasks = format!("{},{}", waiting["list"][0]["taskId"], waiting["list"][1]["taskId"]);
    let changes = json!({"productId": number, "jobId": created["jobId"], "operational": 2, "taskIdList": subtasks});
    ours("operational", "POST", "operational", &[], request(change, &changes)).await.assert_success();
    let cancelled = details(ended).await;
    assert!(cancelled["list"][0]["finishTime"].is_i64(), "{cancelled}");

    let detail = ours("detail", "GET", "detail", &[by_id, id], Value::Null).await;
    assert_eq!((&detail["allNum"], detail["tenantId"].is_string()), (&json!(2), true));
    ours("tasks", "GET", "tasks", &[id], Value::Null).await;
    drover_testkit::wait_until(crate::support::PATIENCE, "the task to finish", async || {
        ours("detail", "GET", "detail", &[by_id, id], Value::Null).await["jobStatus"] == 3
    })
    .await;
    ours("delete", "DELETE", "task", &[by_id, id], Value::Null).await.assert_success();
}

trait Success {
    fn assert_success(&self);
}

impl Success for Value {
    #[track_caller]
    fn assert_success(&self) {
        assert_eq!(self, "SUCCESS");
    }
}
