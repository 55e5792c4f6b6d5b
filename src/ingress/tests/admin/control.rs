//! Whole jobs are paused, resumed, cancelled and tried again, and all of it is written down.

use drover_domain::JobId;
use serde_json::{Value, json};

use crate::{
    pushed::job,
    world::{Person, World, failure, success},
};

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
