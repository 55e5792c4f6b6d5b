//! Whole queues and whole processes rest in the middle of a campaign.

use drover_testkit::{wait_for, wait_until};
use serde_json::Value;

use super::{World, json, nobody_takes_from};
use crate::support::{PATIENCE, WORKER_ROLES};

const DISPATCH: &str = "dispatch.firmware";

#[tokio::test]
async fn a_paused_dispatch_queue_sends_nothing_and_loses_nothing() {
    let world = World::new(1000).await;
    world.setup.ok(&["queues", "pause", DISPATCH]);
    let first = world.setup.start(&["serve"]).await;
    let _second = world.setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    world.campaign.start().await;
    wait_until(PATIENCE, "commands to wait for a dispatcher", async || {
        world.count("commands WHERE state = 'queued'").await > 0
    })
    .await;
    nobody_takes_from(&world.setup, DISPATCH).await;
    assert_eq!(world.sent().await, 0);
    let paused = first.metric("drover_queue_paused", &["queue=\"dispatch.firmware\""]).await;
    assert!((paused - 1.0).abs() < f64::EPSILON);
    world.setup.ok(&["queues", "resume", DISPATCH]);
    wait_until(PATIENCE, "commands to go out", async || world.sent().await >= 20).await;
    // Again, in the middle.
    world.setup.ok(&["queues", "pause", DISPATCH]);
    nobody_takes_from(&world.setup, DISPATCH).await;
    let sent = world.sent().await;
    nobody_takes_from(&world.setup, DISPATCH).await;
    assert_eq!(world.sent().await, sent);
    world.setup.ok(&["queues", "resume", DISPATCH]);
    world.assert_all_succeed_once().await;
    assert_eq!(world.count("audit_entries WHERE action = 'queue_paused' AND via = 'command_line'").await, 2);
}

async fn worker(world: &World, is_so: impl Fn(&Value) -> bool) -> Value {
    wait_for(PATIENCE, "the worker to be so", async || {
        json(&world.setup, &["workers"]).as_array().unwrap().iter().find(|worker| is_so(worker)).cloned()
    })
    .await
}

#[tokio::test]
async fn a_drained_worker_takes_nothing_and_the_campaign_ends_on_the_other() {
    let world = World::new(1000).await;
    let mut first = world.setup.start(&["serve"]).await;
    let mut second = world.setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    let is_second = |worker: &Value| !worker["roles"].as_array().unwrap().contains(&"ingress".into());
    let id = worker(&world, is_second).await["id"].as_str().unwrap().to_owned();
    let roles = WORKER_ROLES.split(',').collect::<Vec<_>>();
    let beats = worker(&world, |worker| is_second(worker) && worker["condition"] == "working").await;
    assert_eq!(beats["roles"].as_array().unwrap().len(), roles.len());
    world.campaign.start().await;
    wait_until(PATIENCE, "commands to go out", async || world.sent().await >= 20).await;
    world.setup.ok(&["workers", "drain", &id]);
    let is_drained = |worker: &Value| worker["id"] == *id && worker["condition"] == "drained";
    let drained = worker(&world, is_drained).await;
    assert_eq!(drained["in_flight"], 0);
    // What it says of the installation stays true.
    world.setup.ok(&["queues", "pause", "jobs.push"]);
    wait_until(PATIENCE, "the drained process to say that a queue is paused", async || {
        second.metric("drover_queue_paused", &["queue=\"jobs.push\""]).await > 0.5
    })
    .await;
    world.setup.ok(&["queues", "resume", "jobs.push"]);
    world.assert_all_succeed_once().await;
    assert_eq!(second.readiness().await, Some(200), "it goes on to answer");
    assert_eq!(worker(&world, is_drained).await["drained_at"], drained["drained_at"]);
    // Now the other way round: it goes back to work, alone.
    world.setup.ok(&["workers", "resume", &id]);
    worker(&world, |worker| worker["id"] == *id && worker["condition"] == "working").await;
    assert!(first.terminate().await, "{}", first.log());
    wait_until(PATIENCE, "work to be done", async || {
        let sql = "INSERT INTO outbox (message_id, queue, body, trace_context) VALUES (gen_random_uuid(), 'reports', 'x', '')";
        world.client.execute(sql, &[]).await.unwrap();
        world.count("dead_letters WHERE queue = 'reports'").await > 0
    })
    .await;
    // Who ends well leaves no row.
    let rows = json(&world.setup, &["workers"]);
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert!(second.terminate().await, "{}", second.log());
    assert_eq!(json(&world.setup, &["workers"]), Value::Array(vec![]));
}
