//! The same where the broker is inside the process, and would forget.

use drover_testkit::{TestPostgres, wait_until};

use super::{count, json, nobody_takes_from};
use crate::support::{PATIENCE, Setup};

#[tokio::test]
async fn the_embedded_mode_pauses_and_keeps_its_dead_letters() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None).with("DROVER_WORKERS__PLAN_CHUNK", 20);
    setup.ok(&["migrate"]);
    setup.ok(&["queues", "pause", "dispatch.firmware"]);
    let mut process = setup.start(&["up", "--demo", "--devices", "300"]).await;
    let client = database.client().await;
    wait_until(PATIENCE, "commands to wait for a dispatcher", async || {
        count(&client, "commands WHERE state = 'queued'").await > 0
    })
    .await;
    nobody_takes_from(&setup, "dispatch.firmware").await;
    assert_eq!(count(&client, "commands WHERE state NOT IN ('planned', 'queued')").await, 0);
    let workers = json(&setup, &["workers"]);
    assert!(workers.as_array().unwrap().len() == 1 && workers[0]["holds_broker"] == true, "{workers}");
    let poison = "INSERT INTO outbox (message_id, queue, body, trace_context)
        VALUES (lpad('7', 32, '0')::uuid, 'jobs.firmware', '\\xff00'::bytea, '')";
    client.execute(poison, &[]).await.unwrap();
    let letter = async |after: i64| {
        wait_until(PATIENCE, "the dead letter", async || {
            count(&client, &format!("dead_letters WHERE queue = 'jobs.firmware' AND id > {after}")).await == 1
        })
        .await;
        json(&setup, &["dead-letters", "--queue", "jobs.firmware"])["items"][0].clone()
    };
    let first = letter(0).await;
    assert!(!first["reason"].as_str().unwrap().is_empty() && first["message_id"].as_str().unwrap().ends_with("07"));
    let id = first["id"].as_i64().unwrap();
    setup.ok(&["dead-letters", "replay", &id.to_string()]);
    let again = letter(id).await;
    assert_eq!((&again["message_id"], &again["broker_attempt"]), (&first["message_id"], &0.into()));
    // Killed, the process takes no letter with it.
    process.child.kill9().unwrap();
    setup.ok(&["queues", "resume", "dispatch.firmware"]);
    let mut process = setup.start(&["up"]).await;
    assert_eq!(count(&client, "dead_letters").await, 1);
    setup.ok(&["dead-letters", "discard", &again["id"].to_string()]);
    assert_eq!(count(&client, "dead_letters").await, 0);
    assert!(process.terminate().await, "{}", process.log());
    let left = json(&setup, &["workers"]);
    assert_eq!(left.as_array().unwrap().len(), 1, "that of the killed one: {left}");
}
