//! A device whose token is taken back while it is connected.

use std::time::Duration;

use drover_testkit::{TestDatabase, TestPostgres, wait_until};
use serde_json::Value;

use super::World;
use crate::{
    support::{PATIENCE, Setup, http},
    vendor::Vendor,
};

/// The life of the ingress' memory, and what the timekeeper needs.
const SECONDS: Duration = Duration::from_secs(15);

/// The connections that the broker has for a user.
async fn connections(world: &World, uuid: &str) -> usize {
    let url = format!("{}/api/connections/username/{uuid}", world.node.management_url().unwrap());
    let list: Value = http().get(url).send().await.unwrap().json().await.unwrap();
    list.as_array().unwrap().len()
}

#[tokio::test]
async fn a_revoked_device_is_cut_off_and_stays_out_until_it_has_a_new_token() {
    let world = World::new(2).await;
    let (token, others) = (world.token("d1"), world.token("d2"));
    let (mut device, mut other) = (world.listener(("d1", &token)).await, world.listener(("d2", &others)).await);
    assert_eq!(connections(&world, "d1").await, 1);

    world.setup.ok(&["credential", "revoke", "--device", "d1"]);
    // It comes back at once, may even be let in once more, and is refused in the end.
    tokio::time::timeout(SECONDS, device.until_ended()).await.expect("cut off within seconds");
    assert!(device.said().contains("Refused"), "{}", device.said());
    assert_eq!(connections(&world, "d1").await, 0);
    let refusal = world.listen(("d1", &token), "d1", &["-c", "-t", "devices/d1/commands"]).refusal().await;
    assert!(refusal.contains("Refused"), "{refusal}");
    wait_until(PATIENCE, "the revocation to be carried out", async || {
        world.count("credentials WHERE cut_off_due_at IS NOT NULL").await == 0
    })
    .await;
    assert!(world.worker.metric("drover_device_cut_offs_total", &[]).await >= 2.0, "at once and again");

    world.start_task("d1,d2").await;
    other.until("\"type\":\"upgrade\"").await;
    assert_eq!(other.times("sending CONNECT"), 1, "others are left alone");
    assert_eq!(device.times("\"type\":"), 0, "{}", device.said());

    let renewed = world.token("d1");
    assert_ne!(renewed, token);
    // What the ingress remembers of the revoked device goes within seconds.
    wait_until(PATIENCE, "the new token to be taken", async || {
        let args = ["-c", "-C", "1", "-W", "30", "-t", "devices/d1/commands"];
        let output = world.mosquitto("mosquitto_sub", ("d1", &renewed), "d1", &args).output().await.unwrap();
        super::said(&output).contains("\"type\":\"upgrade\"")
    })
    .await;
    let refusal = world.listen(("d1", &token), "d1.report", &["-t", "devices/d1/commands"]).refusal().await;
    assert!(refusal.contains("Refused"), "the old token stays wrong: {refusal}");
}

/// A database with one device whose token was revoked, and the settings of an installation on it.
async fn revoked(amqp_url: Option<&str>) -> (Setup, TestDatabase) {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, amqp_url).with("DROVER_DEVICES__AUTH_CACHE_S", 1);
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "meters", "mqtt");
    vendor.import(&setup, &product, "d", 1);
    setup.ok(&["credential", "add", "--kind", "device", "--tenant", "vendor", "--device", "d1"]);
    setup.ok(&["credential", "revoke", "--device", "d1"]);
    (setup, database)
}

#[tokio::test]
async fn a_revocation_waits_for_a_broker_that_can_end_connections_and_for_none_inside_the_process() {
    let waiting = "drover_revocations_waiting";
    let nowhere = Some("amqp://guest:guest@127.0.0.1:1/%2f");
    let (out_of_reach, _database) = revoked(nowhere).await;
    let drover = out_of_reach.start(&["serve", "--roles", "timekeep"]).await;
    wait_until(PATIENCE, "the log to say what is missing", async || drover.log().contains("amqp.management_url")).await;
    assert!(drover.metric(waiting, &[]).await > 0.5);

    let (unanswered, _database) = revoked(nowhere).await;
    let unanswered = unanswered.with("DROVER_AMQP__MANAGEMENT_URL", "http://someone:hunter2@127.0.0.1:1");
    let drover = unanswered.start(&["serve", "--roles", "timekeep"]).await;
    wait_until(PATIENCE, "the failure to be counted", async || {
        drover.metric("drover_role_failures_total", &["sessions"]).await > 0.5
    })
    .await;
    assert!(drover.metric(waiting, &[]).await > 0.5, "it is tried again");
    assert!(drover.log().contains("may stay connected") && !drover.log().contains("hunter2"), "{}", drover.log());

    let (inside, database) = revoked(None).await;
    let _drover = inside.start(&["up"]).await;
    let sql = database.client().await;
    wait_until(PATIENCE, "nothing to be left to do", async || {
        let left = "SELECT count(*) FROM credentials WHERE cut_off_due_at IS NOT NULL";
        sql.query_one(left, &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
}
