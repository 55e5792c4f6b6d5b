//! Queues, dead letters and workers: for those who run the installation.

use serde_json::{Value, json};

use crate::world::{Person, World, failure, log_in};

const LETTERS: &str = "INSERT INTO dead_letters (queue, message_id, routing_key, body, reason, broker_attempt, trace_context, job_id)
    SELECT 'reports', lpad(n::text, 32, '0')::uuid, 'devices.d' || n || '.reports', '{\"command_id\": 1}', 'poison ' || n, 2, '', 7
    FROM generate_series(1, 5) n";
const WORKER: &str = "00000000-0000-0000-0000-000000000009";

/// The administrator, who runs the installation, and someone who does and only looks.
async fn runners(world: &World) -> (Person, Person) {
    for person in [&world.admin, &world.reader] {
        world
            .service
            .set_runs_installation(&drover_service::Actor::command_line("test"), person.operator.id, true)
            .await
            .unwrap();
    }
    (log_in(&world.service, "acme", "admin").await, log_in(&world.service, "acme", "reader").await)
}

async fn filled() -> World {
    let world = World::new().await;
    let client = world.client().await;
    client.batch_execute(LETTERS).await.unwrap();
    // A relay has looked at it once, as it has wherever there are letters.
    client.batch_execute("INSERT INTO queues (name) VALUES ('reports')").await.unwrap();
    let worker =
        format!("INSERT INTO workers (id, host, version, roles) VALUES ('{WORKER}', 'here', '1', 'plan,relay')");
    client.batch_execute(&worker).await.unwrap();
    world
}

#[tokio::test]
async fn who_may_do_what() {
    let world = filled().await;
    let (_, looker) = runners(&world).await;
    let worker = format!("/admin/v1/workers/{WORKER}");
    let looks =
        ["/admin/v1/queues", "/admin/v1/queues/reports/dead-letters", "/admin/v1/dead-letters/1", "/admin/v1/workers"];
    let acts = [
        "/admin/v1/queues/reports/pause".to_owned(),
        "/admin/v1/queues/reports/resume".into(),
        "/admin/v1/queues/reports/dead-letters/replay".into(),
        "/admin/v1/queues/reports/dead-letters/discard".into(),
        "/admin/v1/dead-letters/1/replay".into(),
        "/admin/v1/dead-letters/1/discard".into(),
        format!("{worker}/drain"),
        format!("{worker}/resume"),
    ];
    for address in looks {
        failure(403, world.call(&world.north, "GET", address, &[]).await);
        world.ok(&looker, "GET", address, &[]).await;
    }
    for address in &acts {
        failure(403, world.json(&world.north, "POST", address, &json!({})).await);
        failure(403, world.json(&looker, "POST", address, &json!({})).await);
    }
    let left: i64 = world.client().await.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    assert_eq!(left, 5);
}

#[tokio::test]
async fn queues_and_workers_are_held_and_go_on() {
    let world = filled().await;
    let (admin, _) = runners(&world).await;
    let queues = world.ok(&admin, "GET", "/admin/v1/queues", &[]).await;
    let find = |queues: &Value, name: &str| {
        queues["items"].as_array().unwrap().iter().find(|queue| queue["name"] == name).unwrap().clone()
    };
    let reports = find(&queues, "reports");
    assert_eq!(
        (&reports["deadLetters"], &reports["ready"], &reports["pausedAt"]),
        (&json!(5), &Value::Null, &Value::Null)
    );
    let paused = world.ok_json(&admin, "POST", "/admin/v1/queues/reports/pause", &json!({})).await;
    assert!(paused["pausedAt"].is_string() && paused["pausedBy"] == "admin", "{paused}");
    let open = world.ok_json(&admin, "POST", "/admin/v1/queues/reports/resume", &json!({})).await;
    assert_eq!((&open["pausedAt"], &open["pausedBy"]), (&Value::Null, &json!("")));
    failure(404, world.json(&admin, "POST", "/admin/v1/queues/nothing/pause", &json!({})).await);

    let workers = world.ok(&admin, "GET", "/admin/v1/workers", &[]).await;
    let worker = &workers["items"][0];
    assert_eq!((&worker["condition"], &worker["roles"]), (&json!("working"), &json!(["plan", "relay"])));
    let address = format!("/admin/v1/workers/{WORKER}");
    let drained = world.ok_json(&admin, "POST", &format!("{address}/drain"), &json!({})).await;
    assert!(drained["condition"] == "draining" && drained["drainAskedAt"].is_string(), "{drained}");
    let resumed = world.ok_json(&admin, "POST", &format!("{address}/resume"), &json!({})).await;
    assert_eq!(resumed["condition"], "working");
    failure(404, world.json(&admin, "POST", "/admin/v1/workers/9/drain", &json!({})).await);
    let sql = "SELECT action, actor, via, tenant_id FROM audit_entries WHERE via = 'api' ORDER BY id";
    let audit = world.client().await.query(sql, &[]).await.unwrap();
    let said: Vec<String> = audit.iter().map(|row| row.get("action")).collect();
    assert_eq!(said, ["queue_paused", "queue_resumed", "worker_drained", "worker_resumed"]);
    assert!(audit.iter().all(|row| row.get::<_, &str>("actor") == "admin" && row.get::<_, &str>("via") == "api"));
}

#[tokio::test]
async fn dead_letters_are_read_sent_again_and_discarded() {
    let world = filled().await;
    let (admin, _) = runners(&world).await;
    let list = "/admin/v1/queues/reports/dead-letters";
    let first = world.ok(&admin, "GET", list, &[("limit", "2")]).await;
    assert_eq!((&first["items"][0]["reason"], &first["next"]), (&json!("poison 5"), &json!("4")));
    let second = world.ok(&admin, "GET", list, &[("limit", "2"), ("after", "4")]).await;
    assert_eq!(second["items"][1]["id"], "2");
    let found = world.ok(&admin, "GET", list, &[("reason", "POISON 3")]).await;
    assert_eq!((found["items"].as_array().unwrap().len(), &found["next"]), (1, &Value::Null));
    assert!(found["items"][0]["body"].is_null(), "a list shows no bodies");
    let one = world.ok(&admin, "GET", "/admin/v1/dead-letters/3", &[]).await;
    assert_eq!(
        (&one["bodyFormat"], &one["routingKey"], &one["jobId"]),
        (&json!("json"), &json!("devices.d3.reports"), &json!("7"))
    );
    assert!(one["body"].as_str().unwrap().contains("\"command_id\": 1"));
    let gone = world.ok_json(&admin, "POST", "/admin/v1/dead-letters/3/discard", &json!({})).await;
    assert_eq!(gone, json!({ "deadLetters": 1 }));
    failure(404, world.json(&admin, "POST", "/admin/v1/dead-letters/3/discard", &json!({})).await);
    let sent = world.ok_json(&admin, "POST", "/admin/v1/dead-letters/1/replay", &json!({})).await;
    assert_eq!(sent, json!({ "deadLetters": 1 }));
    let which = json!({ "reason": "poison", "upTo": "4" });
    let sent = world.ok_json(&admin, "POST", &format!("{list}/replay"), &which).await;
    assert_eq!(sent, json!({ "deadLetters": 2 }));
    let gone = world.ok_json(&admin, "POST", &format!("{list}/discard"), &json!({})).await;
    assert_eq!(gone, json!({ "deadLetters": 1 }));
    let rows = world.client().await.query("SELECT routing_key FROM outbox ORDER BY id", &[]).await.unwrap();
    let keys: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(keys, ["devices.d1.reports", "devices.d2.reports", "devices.d4.reports"]);
    for (body, field) in [
        (json!({ "upTo": "x" }), "upTo"),
        (json!({ "colour": 1 }), "colour"),
        (json!({ "reason": "x".repeat(201) }), "reason"),
    ] {
        let message = failure(400, world.json(&admin, "POST", &format!("{list}/discard"), &body).await);
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
}
