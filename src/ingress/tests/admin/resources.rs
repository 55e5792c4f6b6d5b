//! One life of each resource, as a client sees it.

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::world::{Person, World, failure, request};

/// Makes something, and returns its address and what was answered. A look at the address answers the same.
pub(crate) async fn made(world: &World, who: &Person, collection: &str, body: &Value) -> (String, Value) {
    let call = request("POST", &format!("/admin/v1/{collection}")).token(&who.token).json(body);
    let (status, headers, answer) = world.raw(call).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let address = headers[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(world.ok(who, "GET", &address, &[]).await, answer);
    (address, answer)
}

async fn gone(world: &World, who: &Person, method: &str, address: &str) {
    let (status, _, body) = world.raw(request(method, address).token(&who.token).empty()).await;
    assert_eq!((status, body.is_empty()), (StatusCode::NO_CONTENT, true), "{body:?}");
}

#[tokio::test]
async fn organisations() {
    let world = World::new().await;
    let admin = &world.admin;
    let (top, one) = made(&world, admin, "organisations", &json!({ "code": "a", "name": "A" })).await;
    let id = one["id"].as_str().unwrap();
    let keys: Vec<&String> = one.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["code", "createdAt", "depth", "id", "name", "parentId", "updatedAt"]);
    assert_eq!(one["depth"], 1);
    let (below, _) = made(&world, admin, "organisations", &json!({ "code": "b", "name": "B", "parentId": id })).await;
    let children = world.ok(admin, "GET", &format!("{top}/children"), &[]).await;
    assert_eq!((children["items"][0]["code"].as_str(), &children["next"]), (Some("b"), &Value::Null));
    let mut codes = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.ok(admin, "GET", "/admin/v1/organisations", &[("limit", "2"), ("after", &after)]).await;
        codes.extend(page["items"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(codes, ["root", "north", "north-1", "south", "a", "b"]);
    let under = world.ok(admin, "GET", "/admin/v1/organisations", &[("under", id)]).await;
    assert_eq!(under["items"].as_array().unwrap().len(), 2);

    let south = world.south.operator.organisation.id.to_string();
    let changed = world.ok_json(admin, "PATCH", &top, &json!({ "name": "A2", "parentId": south })).await;
    assert_eq!((changed["name"].as_str(), changed["parentId"].as_str()), (Some("A2"), Some(south.as_str())));
    assert_eq!(world.ok(admin, "GET", &below, &[]).await["depth"], 3, "what is below comes along");
    assert_eq!(world.ok_json(admin, "PATCH", &top, &json!({})).await, changed, "nothing said, nothing changed");
    let code =
        failure(409, world.json(admin, "POST", "/admin/v1/organisations", &json!({ "code": "a", "name": "A" })).await);
    assert_eq!(code, "code: a is taken");
    let body = json!({ "code": "c", "name": "C", "parentId": "999999" });
    assert_eq!(
        failure(400, world.json(admin, "POST", "/admin/v1/organisations", &body).await),
        "parentId: organisation 999999 does not exist"
    );
    failure(409, world.call(admin, "DELETE", &top, &[]).await);
    gone(&world, admin, "DELETE", &below).await;
    gone(&world, admin, "DELETE", &top).await;
    failure(404, world.call(admin, "GET", &top, &[]).await);
}

#[tokio::test]
async fn operators() {
    let world = World::new().await;
    let admin = &world.admin;
    let me = world.ok(&world.north, "GET", "/admin/v1/me", &[]).await;
    assert_eq!((me["loginId"].as_str(), me["role"].as_str()), (Some("north"), Some("org_admin")));
    assert_eq!(me["organisation"], "north");
    let new = json!({ "loginId": "n", "name": "N", "role": "read_only", "organisation": "south", "password": "a long enough one" });
    let (address, one) = made(&world, admin, "operators", &new).await;
    assert_eq!((one["disabled"].as_bool(), one["organisation"].as_str()), (Some(false), Some("south")));
    assert!(!one.to_string().contains("long enough"), "{one}");
    let log_in = async |password: &str| {
        let login = json!({ "tenant": "acme", "loginId": "n", "password": password });
        world.raw(request("POST", "/mdm/oauth/token").json(&login)).await.0.as_u16()
    };
    assert_eq!(log_in("a long enough one").await, 200);
    let changed = world.ok_json(admin, "PATCH", &address, &json!({ "role": "org_admin", "name": "N2" })).await;
    assert_eq!((changed["role"].as_str(), changed["name"].as_str()), (Some("org_admin"), Some("N2")));
    gone(&world, admin, "POST", &format!("{address}/disable")).await;
    assert_eq!(
        (log_in("a long enough one").await, world.ok(admin, "GET", &address, &[]).await["disabled"].as_bool()),
        (401, Some(true))
    );
    gone(&world, admin, "POST", &format!("{address}/enable")).await;
    let call = request("PUT", &format!("{address}/password")).token(&admin.token);
    assert_eq!(world.raw(call.json(&json!({ "password": "another long one" }))).await.0, StatusCode::NO_CONTENT);
    assert_eq!((log_in("a long enough one").await, log_in("another long one").await), (401, 200));
    let nowhere = json!({ "loginId": "m", "name": "M", "role": "read_only", "organisation": "nowhere", "password": "a long enough one" });
    let refusal = failure(400, world.json(admin, "POST", "/admin/v1/operators", &nowhere).await);
    assert_eq!(refusal, "organisation: there is no organisation of this code");
    let list = world.ok(admin, "GET", "/admin/v1/operators", &[("limit", "3")]).await;
    assert_eq!((list["items"].as_array().unwrap().len(), list["next"].is_string()), (3, true));
}

#[tokio::test]
async fn groups_and_labels() {
    let world = World::new().await;
    let admin = &world.admin;
    let (_, user) = made(&world, admin, "users", &json!({ "account": "ann" })).await;
    for collection in ["groups", "labels"] {
        let (address, one) = made(&world, admin, collection, &json!({ "name": "s", "organisation": "north" })).await;
        assert_eq!((one["description"].as_str(), one["organisation"].as_str()), (Some(""), Some("north")));
        let changed =
            world.ok_json(admin, "PATCH", &address, &json!({ "description": "d", "organisation": "south" })).await;
        assert_eq!((changed["name"].as_str(), changed["description"].as_str()), (Some("s"), Some("d")));
        assert_eq!(world.ok_json(admin, "PATCH", &address, &json!({ "description": null })).await["description"], "");
        let members = format!("{address}/members");
        let both = world.ok_json(admin, "PATCH", &members, &json!({ "add": [user["id"]] })).await;
        assert_eq!(both, json!({ "added": 1, "removed": 0 }));
        assert_eq!(world.ok(admin, "GET", &members, &[]).await, json!({ "items": [user], "next": null }));
        for (body, message) in
            [(json!({ "add": ["x"] }), "add: is not an id"), (json!({ "remove": ["77"] }), "remove: no such user: 77")]
        {
            assert_eq!(failure(400, world.json(admin, "PATCH", &members, &body).await), message);
        }
        assert_eq!(
            failure(400, world.json(admin, "PATCH", &address, &json!({ "name": null })).await).split(':').next(),
            Some("name")
        );
        let list = world.ok(admin, "GET", &format!("/admin/v1/{collection}"), &[("organisation", "north")]).await;
        assert_eq!(list, json!({ "items": [], "next": null }));
        gone(&world, admin, "DELETE", &address).await;
        failure(404, world.call(admin, "DELETE", &address, &[]).await);
    }
}
