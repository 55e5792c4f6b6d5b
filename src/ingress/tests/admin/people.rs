//! Users and their devices.

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    resources::made,
    world::{World, failure, request},
};

#[tokio::test]
async fn users() {
    let world = World::new().await;
    let admin = &world.admin;
    let new = json!({ "account": "ann", "name": "安", "mail": "a@x", "phone": "1", "organisation": "north-1" });
    let (address, ann) = made(&world, admin, "users", &new).await;
    let keys: Vec<&String> = ann.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["account", "createdAt", "id", "mail", "name", "organisation", "phone", "updatedAt"]);
    assert!(ann["id"].is_string() && chrono::DateTime::parse_from_rfc3339(ann["createdAt"].as_str().unwrap()).is_ok());
    let changed = world.ok_json(admin, "PATCH", &address, &json!({ "mail": null, "organisation": "south" })).await;
    assert_eq!((changed["mail"].as_str(), changed["name"].as_str()), (Some(""), Some("安")));
    let list = world.ok(admin, "GET", "/admin/v1/users", &[("account", "ann"), ("organisation", "south")]).await;
    assert_eq!(list, json!({ "items": [changed], "next": null }));
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "account": "" }), "account"),
        (json!({ "account": 1 }), "account"),
        (json!({ "account": "x", "colour": 1 }), "colour"),
        (json!({ "account": "x", "organisation": "nowhere" }), "organisation"),
        (json!([]), "body"),
    ] {
        let message = failure(400, world.json(admin, "POST", "/admin/v1/users", &body).await);
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    for (query, field) in [(("limit", "0"), "limit"), (("limit", "x"), "limit"), (("after", "x"), "after")] {
        let message = failure(400, world.call(admin, "GET", "/admin/v1/users", &[query]).await);
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    for id in ["0", "-1", "x", "99999999999999999999", "%00"] {
        failure(404, world.call(admin, "GET", &format!("/admin/v1/users/{id}"), &[]).await);
    }
}

#[tokio::test]
async fn devices() {
    let world = World::new().await;
    let admin = &world.admin;
    made(&world, admin, "users", &json!({ "account": "ann" })).await;
    let new = json!({
        "uuid": "d1", "name": "n", "organisation": "north", "user": "ann", "os": 51201, "deviceType": 10,
        "relationship": 2, "deviceNumber": "7", "imei": "i", "sn": "s", "channel": "poll"
    });
    let (address, one) = made(&world, admin, "devices", &new).await;
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&one[name], value, "{name}");
    }
    for (name, value) in [
        ("status", json!("registered")),
        ("hasToken", json!(false)),
        ("product", Value::Null),
        ("onlineAt", Value::Null),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert_eq!(one.as_object().unwrap().len(), 19);
    let changed =
        world.ok_json(admin, "PATCH", &address, &json!({ "user": null, "os": 51205, "deviceNumber": null })).await;
    assert_eq!(
        (&changed["user"], changed["os"].as_i64(), changed["name"].as_str()),
        (&Value::Null, Some(51205), Some("n"))
    );
    let list = world.ok(admin, "GET", "/admin/v1/devices", &[("namePrefix", "n")]).await;
    assert_eq!(list, json!({ "items": [changed], "next": null }));

    let token = format!("{address}/token");
    let (status, headers, body) = world.raw(request("POST", &token).token(&admin.token).empty()).await;
    let issued: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, headers[header::CACHE_CONTROL].to_str().unwrap()), (StatusCode::CREATED, "no-store"));
    let log_in = async || {
        use base64::Engine as _;
        let pair = format!("{}:{}", issued["uuid"].as_str().unwrap(), issued["token"].as_str().unwrap());
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        world.raw(request("GET", "/device/v1/commands").header("authorization", &basic).empty()).await.0.as_u16()
    };
    assert_eq!(log_in().await, 200);
    failure(409, world.call(admin, "POST", &token, &[]).await);
    assert_eq!(world.raw(request("DELETE", &token).token(&admin.token).empty()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(world.raw(request("DELETE", &address).token(&admin.token).empty()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(world.ok(admin, "GET", &address, &[]).await["status"], "deregistered");
    failure(409, world.call(admin, "POST", &token, &[]).await);
    let again = json!({ "uuid": "d1" });
    assert_eq!(made(&world, admin, "devices", &again).await.1["status"], "registered");
    assert_eq!(
        failure(409, world.json(admin, "POST", "/admin/v1/devices", &again).await),
        "uuid: there is a device d1 already"
    );
}
