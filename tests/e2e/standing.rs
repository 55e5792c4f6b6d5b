//! `drover device` against a real process: why a device is not updated, from before its job until after it.

use drover_domain::ChannelKind;
use drover_testkit::{TestPostgres, wait_until};
use serde_json::{Value, json};

use crate::support::{Campaign, PATIENCE, Plan, Setup, http};

#[tokio::test]
async fn a_device_says_why_it_is_not_updated() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None).with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 0);
    let drover = setup.start(&["up"]).await;
    let plan = Plan { devices: 1, channel: ChannelKind::Poll, ..Plan::default() };
    let campaign = Campaign::prepare_with(&setup, &database.url, plan).await;
    let token = campaign.office.token("sim-000001").await;
    let told = || -> Value { serde_json::from_str(&setup.ok(&["device", "sim-000001", "--json"])).unwrap() };
    wait_until(PATIENCE, "the command to be planned", async || told()["code"] == "job_is_draft").await;
    campaign.start().await;
    wait_until(PATIENCE, "the command to wait for its device", async || told()["code"] == "never_seen").await;
    let words = setup.ok(&["device", "sim-000001"]);
    assert!(words.starts_with("The command of job ") && words.contains("never heard of over HTTP"), "{words}");

    let call = |path: &str| http().get(format!("{}{path}", drover.base_url)).basic_auth("sim-000001", Some(&token));
    let commands: Value = call("/device/v1/commands?wait=10").send().await.unwrap().json().await.unwrap();
    let command = &commands["commands"][0]["command_id"];
    assert_eq!(told()["code"], "silent", "{commands}");
    let report = json!({"v": 1, "command_id": command, "attempt": 1, "status": "failed", "code": "E7",
        "message": "no space\u{1b}[2J left"});
    let url = format!("{}/device/v1/reports", drover.base_url);
    let sent = http().post(&url).basic_auth("sim-000001", Some(&token)).json(&report).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
    wait_until(PATIENCE, "the failure", async || told()["code"] == "failed").await;
    let failed = told();
    assert_eq!(failed["commands"][0]["outcomes"][0]["code"], "E7", "{failed}");
    let words = setup.ok(&["device", "sim-000001"]);
    assert!(words.contains("attempt 1  failed  E7  no space [2J left"), "a terminal is told nothing else: {words:?}");
    assert!(!setup.run(&["device", "nobody"]).status.success());
}
