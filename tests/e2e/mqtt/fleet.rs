//! 500 devices on paho-mqtt, half of which lose their connection while their job runs.

use std::{path::Path, process::Stdio};

use drover_testkit::wait_until;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::World;
use crate::support::PATIENCE;

const DEVICES: usize = 500;

/// Made by `scripts/install-deps.sh test`.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/paho/bin/python");
const FLEET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/mqtt/paho_fleet.py");

/// Tokens as the fleet has them; one by one, the command would take minutes.
const TOKENS: &str = "INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
    SELECT tenant_id, 'device', uuid, id, sha256(convert_to('token-' || uuid, 'UTF8')) FROM devices";

#[tokio::test]
async fn five_hundred_sessions_of_which_half_drop_and_come_back() {
    assert!(Path::new(PYTHON).exists(), "no paho-mqtt: run scripts/install-deps.sh test");
    let world = World::new(DEVICES).await;
    world.sql.execute(TOKENS, &[]).await.unwrap();
    let mut command = Command::new(PYTHON);
    command.args([FLEET, &world.node.mqtt_port().unwrap().to_string(), &DEVICES.to_string()]);
    let mut fleet = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(fleet.stdout.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("listening"));

    let all: Vec<String> = (1..=DEVICES).map(|n| format!("d{n}")).collect();
    world.start_task(&all.join(",")).await;

    let summary = said.next_line().await.unwrap().expect("the fleet ends well");
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(fleet.wait().await.unwrap().success());
    // A quarter was away when its command came, another gave it back unacknowledged and got it again.
    let told = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((told("devices"), told("drops"), told("done")), (500, 250, 500), "{summary}");
    // At least: the arrival of a device may have its command sent again while the first one is on its way.
    assert!(told("deliveries") >= 625, "{summary}");
    wait_until(PATIENCE, "every command to succeed", async || {
        world.count("commands WHERE state = 'succeeded' AND attempt = 1").await == 500
    })
    .await;
    assert_eq!(world.count("outcomes WHERE outcome = 'succeeded'").await, 500);
    assert_eq!(world.count("outcomes").await, 500, "exactly once");
    assert_eq!(world.count("unapplied_reports WHERE reason <> 'duplicate'").await, 0);
    world.end_clean().await;
}
