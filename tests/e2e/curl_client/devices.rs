//! The same with devices that listen on RabbitMQ, download the file and answer.

use drover_messages::{FirmwareFile, ReportStatus};
use drover_testkit::{RabbitNode, TestPostgres, wait_until};
use serde_json::{Value, json};
use tokio::process::Command;

use super::Curl;
use crate::{
    device::{Device, broker_at},
    support::{PATIENCE, Setup},
    vendor::{Vendor, noise, sha256},
};

impl Curl {
    /// Waits until the subtask of a device has this state, and returns it.
    async fn state_of(&self, task: &str, device: &str, code: &str) -> Value {
        let query = [("id", task), ("taskStatus", code), ("searchValue", device)];
        let what = format!("{device} to be in state {code}");
        wait_until(PATIENCE, &what, async || self.get("/details", &query).await["total"] == 1).await;
        self.get("/details", &query).await["list"][0].take()
    }
}

/// Downloads as a device does: in two parts, of which the second begins where the first was cut.
async fn download(file: &FirmwareFile) -> Vec<u8> {
    let (part, rest) = (file.size_bytes / 3, file.size_bytes / 3 + 1);
    let mut whole = Vec::new();
    for range in [format!("0-{part}"), format!("{rest}-")] {
        let mut curl = Command::new("curl");
        let output = curl.args(["-sS", "--fail", "--range", &range, &file.url]).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        whole.extend(output.stdout);
    }
    whole
}

#[tokio::test]
async fn devices_upgrade_fail_and_stop() {
    let (database, node) = tokio::join!(TestPostgres::database(), RabbitNode::start());
    let setup = Setup::new(&database.url, Some(&node.url())).with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 1);
    let drover = setup.start(&["up"]).await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let broker = broker_at(&node);
    for (protocol, prefix) in [("lwm2m", "m"), ("tlink", "b")] {
        let product = vendor.product(&setup, protocol, protocol);
        vendor.import(&setup, &product, prefix, 4);
        let curl = Curl::new(&drover, &vendor, product, true);
        let mut fleet = Vec::new();
        for n in 1..=4 {
            fleet.push(Device::listen(&broker, &format!("{prefix}{n}")).await);
        }
        let bytes = noise(300_000);
        let firmware = curl.upload(&setup.data.path().join("fw.bin"), &bytes).await;
        let new = json!({
            "firmwareId": firmware["firmwareId"], "jobName": protocol, "retryTimes": 1, "outTime": 1,
        });
        let task = curl.send("POST", "/task", &[], new).await.1["result"]["jobId"].to_string();
        let everyone = if protocol == "lwm2m" {
            ("deviceInfoList", json!([{"deviceId": "*"}]))
        } else {
            ("deviceIdList", json!("*"))
        };
        assert_eq!(curl.operate(&task, 1, everyone).await.0, 200);
        curl.does("PUT", "/control", &[("id", &task)], json!({"runStatus": 2})).await;
        for device in &mut fleet {
            let file = device.upgrade().await;
            assert_eq!((file.sha256.as_str(), file.version.as_str()), (sha256(&bytes).as_str(), "2.0"));
            if device.uuid.ends_with('1') {
                assert_eq!(sha256(&download(&file).await), file.sha256);
            }
        }
        if protocol == "lwm2m" {
            lwm2m(&curl, &task, &mut fleet).await;
        } else {
            tlink(&curl, &task, &mut fleet).await;
        }
        assert_eq!(curl.finished(&task).await["allNum"], 4);
        // What is over can be joined anew, and its task deleted.
        assert_eq!(curl.get("/devices", &[("isSelectDevice", "2")]).await["total"], 4);
        let query = [("id", task.as_str()), ("productId", &curl.product.id)];
        curl.ok("DELETE", &format!("{}/task", crate::vendor::UPGRADE), &query, &[]).await;
    }
    assert!(setup.ok(&["check"]).starts_with("clean"));
}

/// Every state of LwM2M that a device can bring about.
async fn lwm2m(curl: &Curl, task: &str, fleet: &mut [Device]) {
    let [good, bad, stops, goes_on] = fleet else { panic!("four devices") };
    let sent = curl.state_of(task, &good.uuid, "2").await;
    assert_eq!((&sent["resultCode"], &sent["finishTime"]), (&json!("999"), &json!("")));
    good.report(ReportStatus::Downloading, None, None).await;
    curl.state_of(task, &good.uuid, "4").await;
    good.report(ReportStatus::Installing, None, None).await;
    curl.state_of(task, &good.uuid, "6").await;
    good.report(ReportStatus::Succeeded, Some("OK7"), Some("2.0")).await;
    let done = curl.state_of(task, &good.uuid, "8").await;
    assert_eq!(done["resultCode"], "OK7");
    assert_eq!((&done["preUpgradeVersion"], &done["upgradedVersion"]), (&json!("1.0"), &json!("2.0")));
    assert!(done["finishTime"].as_i64() >= done["updateTime"].as_i64() && done["finishTime"].is_i64(), "{done}");

    // Fails, is tried once more by itself, fails for good while downloading, and is tried again by hand.
    bad.report(ReportStatus::Failed, Some("E1"), None).await;
    bad.upgrade().await;
    assert_eq!(bad.attempt, 2);
    bad.report(ReportStatus::Downloading, None, None).await;
    curl.state_of(task, &bad.uuid, "4").await;
    bad.report(ReportStatus::Failed, Some("E2"), None).await;
    let failed = curl.state_of(task, &bad.uuid, "5").await;
    assert_eq!(failed["resultCode"], "E2");
    assert_eq!(curl.operate(task, 3, ("taskIdList", json!(failed["taskId"].to_string()))).await.0, 200);
    bad.upgrade().await;
    assert_eq!(bad.attempt, 3);
    bad.report(ReportStatus::Installing, None, None).await;
    curl.state_of(task, &bad.uuid, "6").await;
    bad.report(ReportStatus::Refused, None, None).await;
    assert_eq!(curl.state_of(task, &bad.uuid, "7").await["resultCode"], "rejected");

    // One stops as it is told, the other cannot.
    let both = curl.state_of(task, &stops.uuid, "2").await["taskId"].to_string()
        + ","
        + curl.state_of(task, &goes_on.uuid, "2").await["taskId"].to_string().as_str();
    assert_eq!(curl.operate(task, 2, ("taskIdList", json!(both))).await.0, 200);
    curl.state_of(task, &stops.uuid, "9").await;
    stops.cancel().await;
    goes_on.cancel().await;
    stops.report(ReportStatus::Cancelled, None, None).await;
    curl.state_of(task, &stops.uuid, "10").await;
    goes_on.report(ReportStatus::CancelRefused, None, None).await;
    curl.state_of(task, &goes_on.uuid, "11").await;
    goes_on.report(ReportStatus::Succeeded, None, None).await;
    assert_eq!(curl.state_of(task, &goes_on.uuid, "8").await["resultCode"], "0");
}

/// T-Link has four states and no retry.
async fn tlink(curl: &Curl, task: &str, fleet: &mut [Device]) {
    for device in fleet.iter() {
        curl.state_of(task, &device.uuid, "2").await;
    }
    let [good, bad, stops, refuses] = fleet else { panic!("four devices") };
    good.report(ReportStatus::Succeeded, None, Some("2.0")).await;
    assert_eq!(curl.state_of(task, &good.uuid, "3").await["upgradedVersion"], "2.0");
    bad.report(ReportStatus::Failed, Some("E1"), None).await;
    let failed = curl.state_of(task, &bad.uuid, "4").await;
    assert_eq!((&failed["resultCode"], bad.attempt), (&json!("E1"), 1));
    assert_eq!(curl.operate(task, 3, ("taskIdList", json!(failed["taskId"].to_string()))).await.0, 400);
    refuses.report(ReportStatus::Refused, None, None).await;
    curl.state_of(task, &refuses.uuid, "4").await;
    let id = curl.state_of(task, &stops.uuid, "2").await["taskId"].to_string();
    assert_eq!(curl.operate(task, 2, ("taskIdList", json!(id))).await.0, 200);
    stops.cancel().await;
    stops.report(ReportStatus::Cancelled, None, None).await;
    curl.state_of(task, &stops.uuid, "4").await;
}
