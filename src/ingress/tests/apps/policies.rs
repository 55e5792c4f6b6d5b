//! Application policies in the admin API.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    packages::apk,
    world::{World, failure},
};

const POLICIES: &str = "/admin/v1/application-policies";

async fn add(world: &World, body: &Value) -> (StatusCode, Value) {
    world.json(&world.admin, "POST", POLICIES, body).await
}

/// Asserts that a call was refused with 409 and a code of the document.
#[track_caller]
fn refused(code: u16, (status, answer): (StatusCode, Value)) {
    assert_eq!((status, answer["errorCode"].as_u64()), (StatusCode::CONFLICT, Some(code.into())), "{answer}");
}

#[tokio::test]
async fn a_policy_is_added_changed_and_removed() {
    let world = World::new().await;
    let body = json!({"name": "browser", "domainType": 3, "settings": {"home": "https://example.com"}});
    let (status, added) = add(&world, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let id = added["id"].as_str().unwrap();
    let expected = json!({"id": id, "name": "browser", "organisation": "root", "domainType": 3, "enabled": true,
        "settings": {"home": "https://example.com"}, "createdAt": added["createdAt"], "updatedAt": added["updatedAt"]});
    assert_eq!(added, expected);
    let path = format!("{POLICIES}/{id}");
    let changed = world.ok_json(&world.admin, "PATCH", &path, &json!({"enabled": false, "settings": {}})).await;
    assert_eq!(
        (&changed["enabled"], &changed["settings"], &changed["name"]),
        (&json!(false), &json!({}), &json!("browser"))
    );
    assert_eq!(world.ok(&world.reader, "GET", &path, &[]).await, changed);
    assert_eq!(world.ok(&world.admin, "GET", POLICIES, &[]).await, json!({"items": [changed], "next": null}));
    let (status, ..) = world.raw(crate::world::request("DELETE", &path).token(&world.admin.token).empty()).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    failure(404, world.call(&world.admin, "GET", &path, &[]).await);
}

#[tokio::test]
async fn a_policy_that_cannot_be_is_refused() {
    let world = World::new().await;
    add(&world, &json!({"name": "taken", "domainType": 0})).await;
    let (_, second) = add(&world, &json!({"name": "second", "domainType": 0})).await;
    let second = format!("{POLICIES}/{}", second["id"].as_str().unwrap());
    refused(759, add(&world, &json!({"name": "taken", "domainType": 3})).await);
    refused(759, world.json(&world.admin, "PATCH", &second, &json!({"name": "taken"})).await);
    refused(759, world.json(&world.admin, "PATCH", &second, &json!({"name": " taken "})).await);
    for body in [
        json!({"domainType": 0}),
        json!({"name": "", "domainType": 0}),
        json!({"name": "x", "domainType": 1}),
        json!({"name": "x", "domainType": 0, "settings": []}),
        json!({"name": "x", "domainType": 0, "settings": {"nul": "\u{0}"}}),
        json!({"name": "x", "domainType": 0, "settings": {"long": "x".repeat(70_000)}}),
        json!({"name": "x", "domainType": 0, "organisation": "nowhere"}),
        json!({"name": "x", "domainType": 0, "colour": "red"}),
    ] {
        failure(400, add(&world, &body).await);
    }
    let body = json!({"name": "x", "domainType": 0});
    failure(403, world.json(&world.reader, "POST", POLICIES, &body).await);
    failure(404, world.call(&world.north, "GET", &second, &[]).await);
    failure(404, world.json(&world.stranger, "PATCH", &second, &json!({"enabled": false})).await);
}

#[tokio::test]
async fn a_policy_in_use_stays() {
    let world = World::new().await;
    let app = world.saved(&world.admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let (_, added) = add(&world, &json!({"name": "used", "domainType": 0})).await;
    let id: i64 = added["id"].as_str().unwrap().parse().unwrap();
    let operator = &world.admin.operator;
    let assign = "INSERT INTO assignments
            (tenant_id, application_id, organisation_id, operator_id, is_required, relationships, policy_id)
        VALUES ($1, $2, $3, $4, true, '{1}', $5)";
    let client = world.client().await;
    let (tenant, organisation, by) = (operator.tenant.0, operator.organisation.id.0, operator.id.0);
    client.execute(assign, &[&tenant, &app, &organisation, &by, &id]).await.unwrap();
    let path = format!("{POLICIES}/{id}");
    refused(734, world.call(&world.admin, "DELETE", &path, &[]).await);
    client.execute("UPDATE assignments SET ended_at = now()", &[]).await.unwrap();
    let (status, ..) = world.raw(crate::world::request("DELETE", &path).token(&world.admin.token).empty()).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}
