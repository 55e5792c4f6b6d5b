//! Whole jobs are paused, resumed, cancelled and tried again, and all of it is written down.

use drover_domain::JobId;
use serde_json::{Value, json};

use crate::world::{Person, World, failure, success};

/// A running job of an organisation with two devices that have failed and one that is under way.
async fn job(world: &World, organisation: &str) -> i64 {
    for n in 1..=3 {
        world.device(&format!("{organisation}-{n}"), organisation).await;
    }
    let sql = "WITH p AS (INSERT INTO packages (tenant_id, platform, name) SELECT id, 1, 'p' FROM tenants WHERE name = 'acme' RETURNING *),
        a AS (INSERT INTO applications (tenant_id, organisation_id, package_id, type, name)
            SELECT p.tenant_id, o.id, p.id, 1, 'a' FROM p JOIN organisations o ON o.tenant_id = p.tenant_id WHERE o.code = $1 RETURNING *),
        j AS (INSERT INTO jobs (tenant_id, organisation_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s,
                trace_context, started_at, expires_at, push_action, application_id, package_id)
            SELECT tenant_id, organisation_id, 'push', 'j', 'running', 0, 60, 600,
                '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', now(), now() + interval '1 h', 'uninstall', id, package_id
            FROM a RETURNING *),
        d AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM devices WHERE uuid LIKE $1 || '-%'),
        c AS (INSERT INTO commands (job_id, device_id, state, prior_state, finished_at, sent_at, deadline_at)
            SELECT j.id, d.id, CASE WHEN n < 3 THEN 'failed' ELSE 'sent' END, 'queued', CASE WHEN n < 3 THEN now() END, now(),
                CASE WHEN n = 3 THEN now() + interval '1 h' END FROM j, d),
        o AS (INSERT INTO outcomes (job_id, device_id, attempt, outcome, code) SELECT j.id, d.id, 1, 'failed', '10' || n FROM j, d WHERE n < 3),
        t AS (INSERT INTO job_tallies SELECT j.id, 0, s, n FROM j, (VALUES ('failed', 2), ('sent', 1)) given (s, n))
        SELECT id FROM j";
    world.client().await.query_one(sql, &[&organisation]).await.unwrap().get(0)
}

async fn post(world: &World, who: &Person, job: i64, what: &str, body: &Value) -> (http::StatusCode, Value) {
    world.json(who, "POST", &format!("/admin/v1/jobs/{job}/{what}"), body).await
}

#[tokio::test]
async fn a_job_is_paused_resumed_tried_again_and_cancelled() {
    let world = World::new().await;
    let (id, nothing) = (job(&world, "south").await, Value::Null);
    let standing =
        |state: &str, devices: i64| json!({ "id": id.to_string(), "kind": "push", "state": state, "devices": devices });
    let south = &world.south;
    failure(409, post(&world, south, id, "resume", &nothing).await);
    assert_eq!(success(post(&world, south, id, "pause", &nothing).await), standing("paused", 0));
    failure(409, post(&world, south, id, "pause", &nothing).await);
    failure(409, post(&world, south, id, "retry", &json!({})).await);
    assert_eq!(success(post(&world, south, id, "resume", &nothing).await), standing("running", 0));
    for (body, field) in [
        (json!({ "states": [] }), "state"),
        (json!({ "states": ["succeeded"] }), "states"),
        (json!({ "states": null }), "states"),
        (json!({ "code": "" }), "code"),
        (json!({ "colour": 1 }), "colour"),
        (Value::Null, "body"),
    ] {
        let message = failure(400, post(&world, south, id, "retry", &body).await);
        assert!(message.starts_with(field), "{body}: {message}");
    }
    failure(409, post(&world, south, id, "retry", &json!({ "states": ["timed_out"] })).await);
    assert_eq!(success(post(&world, south, id, "retry", &json!({})).await), standing("running", 2));
    failure(409, post(&world, south, id, "retry", &json!({})).await);
    while world.service.plan_job(JobId(id), 10).await.unwrap() != drover_service::Planning::Done {}
    assert_eq!(success(post(&world, south, id, "cancel", &nothing).await), standing("cancelled", 2));
    failure(409, post(&world, south, id, "cancel", &nothing).await);

    let audit = world.ok(south, "GET", "/admin/v1/audit", &[("limit", "3")]).await;
    let entries = audit["items"].as_array().unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["job_cancelled", "job_retried", "job_resumed"]);
    let retried = &entries[1];
    for (name, value) in [
        ("actor", json!("south")),
        ("via", json!("api")),
        ("subjectKind", json!("job")),
        ("subject", json!(id.to_string())),
        ("devices", json!(2)),
        ("detail", json!("failed, timed_out")),
    ] {
        assert_eq!(retried[name], value, "{name}");
    }
    let next = audit["next"].as_str().unwrap();
    let rest = world.ok(south, "GET", "/admin/v1/audit", &[("after", next)]).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn who_only_looks_may_not_and_what_is_out_of_reach_is_not_there() {
    let world = World::new().await;
    let id = job(&world, "south").await;
    for what in ["pause", "resume", "cancel", "retry"] {
        failure(403, post(&world, &world.reader, id, what, &json!({})).await);
        for who in [&world.north, &world.stranger] {
            let message = failure(404, post(&world, who, id, what, &json!({})).await);
            assert_eq!(message, format!("job {id} does not exist"));
        }
        failure(404, post(&world, &world.south, 99_999, what, &json!({})).await);
        failure(404, world.json(&world.south, "POST", &format!("/admin/v1/jobs/x/{what}"), &json!({})).await);
    }
    success(post(&world, &world.admin, id, "pause", &Value::Null).await);
    let seen = async |who| world.ok(who, "GET", "/admin/v1/audit", &[]).await["items"].as_array().unwrap().len();
    assert_eq!([seen(&world.admin).await, seen(&world.south).await, seen(&world.north).await], [1, 1, 0]);
    assert_eq!(seen(&world.stranger).await, 0);
}
