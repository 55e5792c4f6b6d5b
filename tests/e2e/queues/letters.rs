//! What no worker could handle is kept, with its reason, and handled when the cause is gone.

use drover_testkit::wait_until;

use super::{World, json};
use crate::support::PATIENCE;

#[tokio::test]
async fn reports_that_could_not_be_recorded_are_sent_again_when_the_cause_is_gone() {
    let world = World::new(30).await;
    let worker = world.setup.start(&["serve"]).await;
    // A fault that no trying again helps against.
    let fault = "ALTER TABLE commands ADD CONSTRAINT no_success CHECK (state <> 'succeeded') NOT VALID";
    world.client.batch_execute(fault).await.unwrap();
    world.campaign.start().await;
    wait_until(PATIENCE, "every success to be a dead letter", async || {
        world.count("dead_letters WHERE queue = 'reports'").await >= 30
    })
    .await;
    let list = json(&world.setup, &["dead-letters", "--queue", "reports", "--reason", "NO_SUCCESS"]);
    let letters = list["items"].as_array().unwrap();
    assert_eq!((letters.len(), &list["next"]), (30, &serde_json::Value::Null));
    let job: i64 = world.client.query_one("SELECT id FROM jobs", &[]).await.unwrap().get(0);
    for letter in letters {
        assert_eq!(letter["job_id"], job.to_string());
        assert!(letter["routing_key"].as_str().unwrap().starts_with("devices.sim-0000"), "{letter}");
    }
    let id = letters[0]["id"].to_string();
    let one = json(&world.setup, &["dead-letters", "show", &id]);
    assert!(one["body_format"] == "json" && one["body"].as_str().unwrap().contains("\"succeeded\""), "{one}");
    wait_until(PATIENCE, "the metrics to tell", async || {
        worker.metric("drover_dead_letters", &["queue=\"reports\""]).await >= 30.0
            && worker.metric("drover_dead_letters_collected_total", &[]).await >= 30.0
    })
    .await;
    // Sent again too early, it comes back as it was.
    world.setup.ok(&["dead-letters", "replay", &id]);
    wait_until(PATIENCE, "it to be back", async || {
        world.count("outbox").await == 0 && world.count("dead_letters").await == 30
    })
    .await;
    world.client.batch_execute("ALTER TABLE commands DROP CONSTRAINT no_success").await.unwrap();
    let replayed =
        json(&world.setup, &["dead-letters", "replay", "--all", "--queue", "reports", "--reason", "no_success"]);
    assert_eq!(replayed["replayed"], 30);
    world.assert_all_succeed_once().await;
    assert_eq!(world.count("dead_letters").await, 0);
    assert_eq!(world.count("audit_entries WHERE action = 'dead_letters_replayed'").await, 2);
}
