//! Who may make which call.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    resources::made,
    world::{Call, World, failure, request},
};

/// Every call on something that there is.
async fn calls(world: &World) -> Vec<(&'static str, String, Value)> {
    let admin = &world.admin;
    let organisation = made(
        world,
        admin,
        "organisations",
        &json!({ "code": "o", "name": "O", "parentId": world.south.operator.organisation.id.to_string() }),
    )
    .await
    .0;
    let password = "a long enough one";
    let operator =
        json!({ "loginId": "o", "name": "O", "role": "read_only", "organisation": "south", "password": password });
    let operator = made(world, admin, "operators", &operator).await.0;
    let user = made(world, admin, "users", &json!({ "account": "o", "organisation": "south" })).await.0;
    let group = made(world, admin, "groups", &json!({ "name": "o", "organisation": "south" })).await.0;
    let label = made(world, admin, "labels", &json!({ "name": "o", "organisation": "south" })).await.0;
    let device = made(world, admin, "devices", &json!({ "uuid": "o", "organisation": "south" })).await.0;
    let mut calls = Vec::new();
    for address in [&organisation, &operator, &user, &group, &label, &device] {
        calls.push(("GET", address.clone(), Value::Null));
        calls.push(("PATCH", address.clone(), json!({ "name": "changed" })));
    }
    for address in [&group, &label] {
        calls.push(("GET", format!("{address}/members"), Value::Null));
        calls.push(("PATCH", format!("{address}/members"), json!({ "add": [] })));
    }
    calls.push(("GET", format!("{organisation}/children"), Value::Null));
    calls.push(("PUT", format!("{operator}/password"), json!({ "password": "another long one" })));
    calls.push(("POST", format!("{operator}/disable"), Value::Null));
    calls.push(("POST", format!("{operator}/enable"), Value::Null));
    calls.push(("POST", format!("{device}/token"), Value::Null));
    calls.push(("DELETE", format!("{device}/token"), Value::Null));
    calls.extend([organisation, user, group, label, device].map(|address| ("DELETE", address, Value::Null)));
    calls
}

#[tokio::test]
async fn what_is_out_of_reach_is_not_there_and_who_only_looks_changes_nothing() {
    let world = World::new().await;
    let calls = calls(&world).await;
    for (method, address, body) in &calls {
        for who in [&world.north, &world.stranger] {
            let message = failure(404, world.json(who, method, address, body).await);
            assert!(message.ends_with(" does not exist"), "{method} {address}: {message}");
        }
        for (token, code) in [(None, 401), (Some("wrong"), 401)] {
            let call = request(method, address);
            let call = token.into_iter().fold(call, Call::token);
            failure(code, world.send(call.json(body)).await);
        }
        if *method == "GET" {
            world.ok(&world.reader, method, address, &[]).await;
        } else {
            failure(403, world.json(&world.reader, method, address, body).await);
        }
    }
    // Whose it is may do all of it, in this order.
    for (method, address, body) in &calls {
        let call = request(method, address).token(&world.south.token).json(body);
        let (status, _, answer) = world.raw(call).await;
        assert!(status.is_success(), "{method} {address}: {status} {answer:?}");
    }
}

#[tokio::test]
async fn lists_and_what_is_made_stay_within_reach() {
    let world = World::new().await;
    calls(&world).await;
    for (collection, body) in [
        ("organisations", json!({ "code": "x", "name": "X" })),
        ("operators", json!({ "loginId": "x", "name": "X", "role": "read_only", "password": "a long enough one" })),
        ("users", json!({ "account": "x" })),
        ("groups", json!({ "name": "x" })),
        ("labels", json!({ "name": "x" })),
        ("devices", json!({ "uuid": "x" })),
    ] {
        let address = format!("/admin/v1/{collection}");
        failure(403, world.json(&world.reader, "POST", &address, &body).await);
        made(&world, &world.north, collection, &body).await;
        let count = async |who| world.ok(who, "GET", &address, &[]).await["items"].as_array().unwrap().len();
        let (north, stranger) = (count(&world.north).await, count(&world.stranger).await);
        let own = match collection {
            "organisations" => (3, 1),
            "operators" => (2, 1),
            _ => (1, 0),
        };
        assert_eq!((north, stranger), own, "{collection}");
        let place = if collection == "organisations" { "parentId" } else { "organisation" };
        let south = world.south.operator.organisation.id.to_string();
        let mut elsewhere = body.clone();
        elsewhere[place] = json!(if collection == "organisations" { south.as_str() } else { "south" });
        let message = failure(400, world.json(&world.north, "POST", &address, &elsewhere).await);
        assert!(message.starts_with(&format!("{place}: ")), "{message}");
    }
    let csv = |person| request("POST", "/admin/v1/imports/users").token(person).header("content-type", "text/csv");
    let (status, answer) = world.send(csv(&world.reader.token).body("account\nz\n")).await;
    assert_eq!((status, answer["errorCode"].as_i64()), (StatusCode::FORBIDDEN, Some(403)));
    let (status, answer) = world.send(csv(&world.north.token).body("account,organisation\nz,south\n")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(answer["errors"][0]["column"], "organisation");
}
