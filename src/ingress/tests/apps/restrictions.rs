//! B11-B16: black and white lists, but for what their pushes do.

use serde_json::{Value, json};

use crate::{
    people::{list_body, make_list},
    refused, sample,
    world::{Person, World, failure, request},
};

const LISTS: &str = "/apps/restriction";

fn list(id: i64) -> String {
    format!("{LISTS}/{id}")
}

async fn rows(world: &World, person: &Person, query: &[(&str, &str)]) -> Vec<Value> {
    world.ok(person, "GET", LISTS, query).await["rows"].as_array().unwrap().clone()
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_documents_samples_are_understood_and_answered_as_it_shows() {
    let world = World::new().await;
    let sent = sample("restriction_create.request.json");
    let made = world.ok_json(&world.admin, "POST", LISTS, &sent).await;
    let id = made["appStrategyId"].as_i64().unwrap();
    assert_eq!(made, json!({"appStrategyId": id}));

    let found = world.ok(&world.admin, "GET", &format!("{LISTS}/anything"), &[]).await;
    assert_eq!(found, world.ok(&world.admin, "GET", LISTS, &[]).await, "both addresses are the list");
    assert_eq!(found, world.ok(&world.admin, "GET", &format!("/mdm{LISTS}/{id}"), &[]).await, "and under /mdm");
    assert_eq!(found["total"], 1);
    let row = &found["rows"][0];
    let millis = world.now.timestamp_millis();
    for time in ["createTime", "updateTime"] {
        assert!((row[time].as_i64().unwrap() - millis).abs() < 60_000, "{row}");
    }
    let expected = json!({
        "id": id, "name": "aaaa", "description": "ccccccccccasas", "type": 1, "platformType": 1,
        "pushDeviceType": "", "irrePushFlag": 0, "status": 1, "createTime": row["createTime"], "loginId": "admin",
        "updateTime": row["updateTime"], "updateBy": null, "distType": 0, "apps": sent["apps"],
    });
    assert_eq!(*row, expected);
    // The sample's rows differ in their fields; ours have all of them, each of its type.
    for sample in sample("restrictions.answer.json")["rows"].as_array().unwrap() {
        for (field, value) in sample.as_object().unwrap() {
            let alike = std::mem::discriminant(&row[field]) == std::mem::discriminant(value);
            assert!(alike && row.get(field).is_some(), "{field}: {} is not like {value}", row[field]);
        }
    }

    let change = sample("restriction_change.request.json");
    assert_eq!(world.ok_json(&world.admin, "PUT", &list(id), &change).await, json!({}));
    let row = rows(&world, &world.admin, &[]).await.remove(0);
    assert_eq!(
        (&row["name"], &row["description"], &row["apps"]),
        (&json!("333"), &change["description"], &change["apps"])
    );

    assert_eq!(world.ok(&world.admin, "PUT", &format!("{}/status", list(id)), &[("status", "0")]).await, json!({}));
    let row = rows(&world, &world.admin, &[]).await.remove(0);
    assert_eq!((&row["status"], &row["irrePushFlag"]), (&json!(0), &json!(1)));

    assert_eq!(world.ok(&world.admin, "DELETE", &list(id), &[]).await, json!({}));
    assert_eq!(world.ok(&world.admin, "GET", LISTS, &[]).await, json!({"total": 0, "rows": []}), "it was never pushed");
    refused(719, world.call(&world.admin, "DELETE", &list(id), &[]).await);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_by_the_name_of_its_field() {
    let world = World::new().await;
    let with = |field: &str, value: Value| {
        let mut body = list_body("a");
        body[field] = value;
        body
    };
    let app = |name: &str, package: &str| json!({"appName": name, "pkgName": package});
    let apps = |apps: Vec<Value>| with("apps", apps.into());
    let many = |count: i32| (0..count).map(|n| app("x", &format!("com.example.a{n}"))).collect::<Vec<_>>();
    for (body, message) in [
        (json!({}), "name: is missing"),
        (with("name", Value::Null), "name: is missing"),
        (with("name", "  ".into()), "name: is missing"),
        (with("name", "x".repeat(129).into()), "name: is longer than 128 characters"),
        (with("name", "a\0".into()), "name: holds a NUL character"),
        (with("name", json!(["a"])), "name: invalid type"),
        (with("type", Value::Null), "type: is missing"),
        (with("type", 3.into()), "type: is not a value of the document"),
        (with("type", json!(1_i64 << 32)), "type: is not a value of the document"),
        (with("platformType", Value::Null), "platformType: is missing"),
        (with("platformType", "0".into()), "platformType: is not a value of the document"),
        (with("status", Value::Null), "status: is missing"),
        (with("status", 2.into()), "status: is not a value of the document"),
        (with("description", "x".repeat(4001).into()), "description: is longer than 4000 characters"),
        (with("apps", Value::Null), "apps: is missing"),
        (apps(vec![]), "apps: names 1 to 500 applications"),
        (apps(many(501)), "apps: names 1 to 500 applications"),
        (apps(vec![app("a", "com.a"), app("", "com.b")]), "apps[1].appName: is missing"),
        (apps(vec![app(&"x".repeat(256), "com.b")]), "apps[0].appName: is longer than 255 characters"),
        (apps(vec![app("a", "com.a"), app("b", "")]), "apps[1].pkgName: is missing"),
        (apps(vec![app("a", "com a")]), "apps[0].pkgName: holds something else than letters"),
        (apps(vec![app("a", &"x".repeat(256))]), "apps[0].pkgName: is longer than 255 characters"),
        (
            apps(vec![app("a", "com.a"), app("b", "com.b"), app("c", " com.a ")]),
            "apps[2].pkgName: is on the list twice",
        ),
    ] {
        let refused = failure(400, world.json(&world.admin, "POST", LISTS, &body).await);
        assert!(refused.starts_with(message), "{refused:?} is not {message:?}");
    }
    assert!(rows(&world, &world.admin, &[]).await.is_empty(), "nothing is half made");

    let id = make_list(&world, &world.admin, "a").await;
    world.ok_json(&world.admin, "PUT", &list(id), &json!({"apps": many(500)})).await;
    for (body, message) in [
        (json!({"name": ""}), "name: must not be empty"),
        (json!({"apps": []}), "apps: names 1 to 500 applications"),
        (json!({"apps": [app("a", "com.a"), app("a", "com.a")]}), "apps[1].pkgName: is on the list twice"),
        (json!({"apps": [{}]}), "apps[0].pkgName: is missing"),
    ] {
        assert_eq!(failure(400, world.json(&world.admin, "PUT", &list(id), &body).await), message);
    }
    assert_eq!(rows(&world, &world.admin, &[]).await[0]["apps"].as_array().unwrap().len(), 500);
    world.ok_json(&world.admin, "PUT", &list(id), &json!({"description": "new"})).await;
    let row = rows(&world, &world.admin, &[]).await.remove(0);
    assert_eq!((&row["name"], &row["description"]), (&json!("a"), &json!("new")), "what is not given stays");
}

#[tokio::test]
async fn a_name_is_one_lists_until_that_is_deleted() {
    let world = World::new().await;
    let taken = make_list(&world, &world.north, "taken").await;
    let other = make_list(&world, &world.south, "other").await;
    let message = refused(760, world.json(&world.south, "POST", LISTS, &list_body("taken")).await);
    assert_eq!(message, "name: there is a list taken already");
    refused(760, world.json(&world.south, "PUT", &list(other), &json!({"name": "taken"})).await);
    world.ok_json(&world.south, "PUT", &list(other), &json!({"name": "other"})).await;
    make_list(&world, &world.stranger, "taken").await;
    world.ok(&world.north, "DELETE", &list(taken), &[]).await;
    make_list(&world, &world.south, "taken").await;
}

#[tokio::test]
async fn a_status_comes_in_the_query_a_form_or_json_and_must_be_another() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let path = format!("{}/status", list(id));
    let admin = &world.admin;
    refused(721, world.call(admin, "PUT", &path, &[("status", "1")]).await);
    world.form(admin, "PUT", &path, &[("status", "0")]).await.0.is_success().then_some(()).unwrap();
    refused(721, world.json(admin, "PUT", &path, &json!({"status": "0"})).await);
    world.ok_json(admin, "PUT", &path, &json!({"status": 1})).await;
    refused(721, world.form(admin, "PUT", &path, &[("status", "1")]).await);
    // JSON that is labelled as a form, which some clients send.
    let labelled =
        request("PUT", &path).token(&admin.token).header("content-type", "application/x-www-form-urlencoded");
    assert!(world.send(labelled.body(r#"{"status": 0}"#)).await.0.is_success());
    for (query, message) in [
        (&[("status", "2")][..], "status: is not a value of the document"),
        (&[("status", "x")], "status: is not a number in range"),
        (&[("status", "")], "status: is missing"),
        (&[], "status: is missing"),
    ] {
        assert_eq!(failure(400, world.call(admin, "PUT", &path, query).await), message);
    }
    assert_eq!(failure(400, world.json(admin, "PUT", &path, &json!({})).await), "status: is missing");
}

#[tokio::test]
async fn lists_are_searched_filtered_and_paged() {
    let world = World::new().await;
    for (name, kind, platform, status) in [("Alpha", 1, 1, 1), ("beta", 2, 2, 0), ("娱乐", 2, 1, 1), ("100%_", 1, 2, 0)]
    {
        let mut body = list_body(name);
        (body["type"], body["platformType"], body["status"]) = (kind.into(), platform.into(), status.into());
        world.ok_json(&world.admin, "POST", LISTS, &body).await;
    }
    make_list(&world, &world.north, "northern").await;
    for (query, expected) in [
        (&[][..], &["northern", "100%_", "娱乐", "beta", "Alpha"][..]),
        (&[("name", "ALPHA")], &["Alpha"]),
        (&[("name", "乐")], &["娱乐"]),
        (&[("name", "%_")], &["100%_"]),
        (&[("name", "North")], &["northern"]),
        (&[("name", "admin")], &["100%_", "娱乐", "beta", "Alpha"]),
        (&[("name", "nobody")], &[]),
        (&[("type", "1")], &["100%_", "Alpha"]),
        (&[("platformType", "2")], &["100%_", "beta"]),
        (&[("status", "0")], &["100%_", "beta"]),
        (&[("type", "2"), ("platformType", "1"), ("status", "1"), ("name", "")], &["northern", "娱乐"]),
    ] {
        let found = world.ok(&world.admin, "GET", LISTS, query).await;
        assert_eq!(names(found["rows"].as_array().unwrap()), expected, "{query:?}");
        assert_eq!(found["total"], expected.len(), "{query:?}");
    }
    let page = world.ok(&world.admin, "GET", LISTS, &[("offset", "1"), ("limit", "2")]).await;
    assert_eq!((names(page["rows"].as_array().unwrap()), &page["total"]), (vec!["100%_", "娱乐"], &json!(5)));
    for (query, field) in [
        ([("type", "3")], "type"),
        ([("type", "x")], "type"),
        ([("platformType", "0")], "platformType"),
        ([("status", "2")], "status"),
        ([("limit", "0")], "limit"),
        ([("limit", "1001")], "limit"),
        ([("offset", "-1")], "offset"),
        ([("offset", "100001")], "offset"),
        ([("name", &*"x".repeat(129))], "name"),
    ] {
        let refused = failure(400, world.call(&world.admin, "GET", LISTS, &query).await);
        assert!(refused.starts_with(&format!("{field}: ")), "{query:?} {refused}");
    }
}

#[tokio::test]
async fn a_list_is_seen_from_below_and_changed_by_whose_it_is() {
    let world = World::new().await;
    let (root, north) =
        (make_list(&world, &world.admin, "root's").await, make_list(&world, &world.north, "north's").await);
    assert_eq!(names(&rows(&world, &world.admin, &[]).await), ["north's", "root's"]);
    assert_eq!(names(&rows(&world, &world.north, &[]).await), ["north's", "root's"]);
    assert_eq!(names(&rows(&world, &world.south, &[]).await), ["root's"]);
    assert!(rows(&world, &world.stranger, &[]).await.is_empty());

    let empty = json!({"pushDeviceType": "1"});
    let calls = |id: &str| {
        [
            ("PUT", format!("{LISTS}/{id}"), json!({"name": "mine"})),
            ("PUT", format!("{LISTS}/{id}/status"), json!({"status": 0})),
            ("DELETE", format!("{LISTS}/{id}"), json!({})),
        ]
    };
    for (method, path, body) in calls(&root.to_string()) {
        refused(722, world.json(&world.north, method, &path, &body).await);
        refused(722, world.json(&world.reader, method, &path, &body).await);
        refused(719, world.json(&world.stranger, method, &path, &body).await);
    }
    refused(722, world.json(&world.reader, "POST", LISTS, &list_body("a")).await);
    refused(722, world.json(&world.reader, "POST", &format!("{}/push", list(north)), &empty).await);
    for id in [&*north.to_string(), "0", "-1", "x", "1.0", "99999999999999999999", "999999"] {
        for (method, path, body) in calls(id) {
            refused(719, world.json(&world.south, method, &path, &body).await);
        }
        refused(719, world.json(&world.south, "POST", &format!("{LISTS}/{id}/push"), &empty).await);
    }
    assert_eq!(names(&rows(&world, &world.admin, &[]).await), ["north's", "root's"], "nothing was changed");
    for (method, path) in [("GET", LISTS.to_owned()), ("POST", LISTS.to_owned()), ("DELETE", list(root))] {
        failure(401, world.send(request(method, &path).empty()).await);
        failure(401, world.send(request(method, &path).token("wrong").empty()).await);
    }
    failure(405, world.call(&world.admin, "PATCH", LISTS, &[]).await);
}
