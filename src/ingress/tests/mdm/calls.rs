//! Who may publish, distribute, cancel and read which logs, and how a refusal looks.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CLIENT_UPGRADE, Person, World, failure, request, success};

fn path(rest: &str) -> String {
    format!("{CLIENT_UPGRADE}/{rest}")
}

fn to(code: &str) -> Value {
    json!({"applyTo": [{"targetId": code, "targetType": 57215}]})
}

/// The ids in a log of a version.
async fn ids(world: &World, person: &Person, version: i64, log: &str) -> Vec<String> {
    let found = world.ok(person, "GET", &path(&format!("apps/{version}/{log}")), &[]).await;
    found["contentList"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_refusal_has_the_error_body() {
    let world = World::new().await;
    for (method, target, code) in [
        ("GET", "/mdm", 404),
        ("GET", "/mdm/v1/nothing", 404),
        ("GET", "/admin/v1/nothing", 404),
        ("PUT", "/mdm/oauth/token", 405),
        ("GET", "/mdm/v1/clientupgrade/apps/1/publish", 405),
        ("GET", "/mdm/v1/clientupgrade/apps/1/publish_logs", 401),
        ("POST", "/mdm/v1/clientupgrade/apps/1/publish", 401),
        ("GET", "/mdm/v1/clientupgrade/apps/1/publish_logs?a=1&a=2", 400),
        ("GET", "/mdm/v1/clientupgrade/apps/1/publish_logs?a=%ff", 400),
    ] {
        failure(code, world.send(request(method, target).empty()).await);
    }
    let huge = request("GET", "/mdm/v1/nothing").header("x", &"y".repeat(40_000)).empty();
    failure(431, world.send(huge).await);
    for (length, code) in [(1 << 20, 400), ((1 << 20) + 1, 413)] {
        for label in ["application/json", "application/x-www-form-urlencoded"] {
            let call = request("POST", &path("apps/1/publish")).token(&world.admin.token).header("content-type", label);
            failure(code, world.send(call.body("x".repeat(length))).await);
        }
    }
    for id in ["0", "-1", "x", "1.0", "99999999999999999999", "+1", "%00", "999"] {
        let log = path(&format!("apps/{id}/publish_logs"));
        failure(404, world.call(&world.admin, "GET", &log, &[]).await);
        failure(404, world.call(&world.admin, "PATCH", &path(&format!("publish_logs/{id}/cancel")), &[]).await);
        failure(404, world.json(&world.admin, "POST", &path(&format!("apps/{id}/distribute")), &to("root")).await);
    }
}

#[tokio::test]
async fn bad_parameters_are_named_and_change_nothing() {
    let world = World::new().await;
    let version = world.version("root", 1).await;
    let publish = path(&format!("apps/{version}/publish"));
    for (body, named) in [
        (json!({"applyTo": [], "appId": version.to_string()}), "applyTo"),
        (json!({"applyTo": [{"targetId": "root", "targetType": 57215}], "appId": "1"}), "appId"),
        (to("nowhere"), "targetId"),
        (json!({"applyTo": [{"targetId": "root", "targetType": 57215, "os": 51202}]}), "os"),
        (
            json!({"applyTo": [{"targetId": "root", "targetType": 57215}, {"targetId": "nowhere", "targetType": 57215}]}),
            "targetId",
        ),
    ] {
        let message = failure(400, world.json(&world.admin, "POST", &publish, &body).await);
        assert!(message.starts_with(named), "{message}");
    }
    for (query, named) in
        [("pageNum", "0"), ("pageSize", "0"), ("sortKey", "colour"), ("sortValue", "1")].map(|q| (q, q.0))
    {
        for log in ["publish_logs", "distribute_logs", "upgrade_logs"] {
            let refused = world.call(&world.admin, "GET", &path(&format!("apps/{version}/{log}")), &[query]).await;
            assert!(failure(400, refused).starts_with(&format!("{named}: ")));
        }
    }
    assert_eq!(ids(&world, &world.admin, version, "publish_logs").await, Vec::<String>::new());
    let missing = world.call(&world.admin, "POST", &path("publish_logs/1/distribute"), &[]).await;
    assert_eq!(failure(400, missing), "forceUpdate: is missing");
    let unpublished =
        world.json(&world.admin, "POST", &path(&format!("apps/{version}/distribute")), &to("north")).await;
    assert!(failure(409, unpublished).contains("is not published to north: publish it there first"));
}

#[tokio::test]
async fn json_that_is_labelled_as_a_form_is_read() {
    let world = World::new().await;
    let version = world.version("root", 1).await;
    let call = request("POST", &path(&format!("apps/{version}/publish"))).token(&world.admin.token);
    let labelled = call.header("content-type", "application/x-www-form-urlencoded").body(to("north").to_string());
    assert_eq!(success(world.send(labelled).await), json!({}));
    assert_eq!(ids(&world, &world.admin, version, "publish_logs").await.len(), 1);
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let world = World::new().await;
    let version = world.version("root", 1).await;
    success(world.json(&world.admin, "POST", &path(&format!("apps/{version}/publish")), &to("root")).await);
    let publication = ids(&world, &world.reader, version, "publish_logs").await.remove(0);
    for call in ["publish", "distribute"] {
        failure(403, world.json(&world.reader, "POST", &path(&format!("apps/{version}/{call}")), &to("root")).await);
    }
    let force = [("forceUpdate", "true")];
    failure(
        403,
        world.call(&world.reader, "POST", &path(&format!("publish_logs/{publication}/distribute")), &force).await,
    );
    failure(403, world.call(&world.reader, "PATCH", &path(&format!("publish_logs/{publication}/cancel")), &[]).await);
    failure(403, world.call(&world.reader, "PATCH", &path(&format!("apps/{version}/obsolete")), &[]).await);
}

#[tokio::test]
async fn what_lies_outside_of_the_own_subtree_does_not_exist() {
    let world = World::new().await;
    let version = world.version("root", 1).await;
    let publish = path(&format!("apps/{version}/publish"));
    let distributed = |code: &str| {
        let mut body = to(code);
        body["distribute"] = json!(true);
        body
    };
    // The catalogue flows down: a version of the root's is there for north to publish, within north.
    success(world.json(&world.north, "POST", &publish, &distributed("north-1")).await);
    success(world.json(&world.south, "POST", &publish, &distributed("south")).await);
    for code in ["root", "south"] {
        let outside = failure(400, world.json(&world.north, "POST", &publish, &to(code)).await);
        let unknown = failure(400, world.json(&world.north, "POST", &publish, &to("nowhere")).await);
        assert_eq!(outside, unknown.replace("nowhere", code), "an organisation outside looks like none");
    }
    let (north, south) = (
        ids(&world, &world.north, version, "distribute_logs").await,
        ids(&world, &world.south, version, "distribute_logs").await,
    );
    assert_eq!((north.len(), south.len()), (1, 1));
    assert_ne!(north, south);
    assert_eq!(ids(&world, &world.admin, version, "distribute_logs").await.len(), 2);
    let published = ids(&world, &world.south, version, "publish_logs").await;
    assert_eq!(published.len(), 1);
    let force = [("forceUpdate", "true")];
    for (method, rest, query) in [
        ("PATCH", format!("distribute_logs/{}/cancel", south[0]), &[][..]),
        ("PATCH", format!("publish_logs/{}/cancel", published[0]), &[][..]),
        ("POST", format!("publish_logs/{}/distribute", published[0]), &force[..]),
    ] {
        failure(404, world.call(&world.north, method, &path(&rest), query).await);
        failure(404, world.call(&world.stranger, method, &path(&rest), query).await);
    }
    for log in ["publish_logs", "distribute_logs", "upgrade_logs"] {
        let log = path(&format!("apps/{version}/{log}"));
        failure(404, world.call(&world.stranger, "GET", &log, &[]).await);
    }
    failure(404, world.json(&world.stranger, "POST", &publish, &to("root")).await);
    let (status, _) = world.call(&world.north, "PATCH", &path(&format!("apps/{version}/obsolete")), &[]).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "seen, but not north's to withdraw");
    success(world.call(&world.north, "PATCH", &path(&format!("distribute_logs/{}/cancel", north[0])), &[]).await);
}
