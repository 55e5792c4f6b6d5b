//! Files of many rows.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{World, failure, request};

const DEVICES: usize = 100_000;
const MEMBERSHIPS: usize = 100_000;
const LINES_A_CHUNK: usize = 500;

async fn import(world: &World, what: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let call = request("POST", &format!("/admin/v1/imports/{what}")).token(&world.admin.token);
    world.send(call.header("content-type", "text/csv").body(body)).await
}

/// A file that is made while it is sent; `sent` counts its chunks.
fn fleet(name: &'static str, sent: Arc<AtomicUsize>) -> Body {
    let chunks = (0..DEVICES).step_by(LINES_A_CHUNK).map(move |first| {
        sent.fetch_add(1, Ordering::Relaxed);
        let mut lines = String::new();
        if first == 0 {
            lines.push_str("\u{feff}uuid,name,organisation,user,os,deviceType,relationship,imei\r\n");
        }
        for n in first..first + LINES_A_CHUNK {
            let place = ["north", "north-1", "south"][n % 3];
            write!(lines, "fleet-{n:06},{name} {n},{place},user{},51201,10,1,{n:015}\r\n", n % 100).unwrap();
        }
        Ok::<_, std::io::Error>(Bytes::from(lines))
    });
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_hundred_thousand_devices_come_in_one_file() {
    let world = World::new().await;
    let users: String = (0..100).fold("account\n".to_owned(), |file, n| file + &format!("user{n}\n"));
    assert_eq!(import(&world, "users", users).await, (StatusCode::OK, json!({ "added": 100, "changed": 0 })));
    let sent = Arc::new(AtomicUsize::new(0));
    for (name, expected) in
        [("first", json!({ "added": DEVICES, "changed": 0 })), ("second", json!({ "added": 0, "changed": DEVICES }))]
    {
        let began = Instant::now();
        let answer = import(&world, "devices", fleet(name, Arc::clone(&sent))).await;
        println!("{DEVICES} devices, {name} time: {:.2} s", began.elapsed().as_secs_f64());
        assert_eq!(answer, (StatusCode::OK, expected));
    }
    assert_eq!(sent.load(Ordering::Relaxed), 2 * DEVICES / LINES_A_CHUNK);
    let client = world.client().await;
    let count = async |what: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM devices WHERE {what}"), &[]).await.unwrap().get(0)
    };
    assert_eq!(count("name LIKE 'second %' AND user_id IS NOT NULL AND os = 51201").await, 100_000);
    let south = world.south.operator.organisation.id;
    assert_eq!(count(&format!("organisation_id = {south}")).await, 33_333);

    // The last line is wrong: nothing of the others stays.
    let last = Body::from(format!(
        "{}x y,\n",
        (0..5000).fold("uuid,name\n".to_owned(), |file, n| file + &format!("new-{n},n\n"))
    ));
    let (status, answer) = import(&world, "devices", last).await;
    let reason = "a device uuid is 1 to 64 letters, digits, '-' or '_'";
    let fault = json!({ "line": 5002, "column": "uuid", "reason": reason });
    assert_eq!((status, &answer["errors"]), (StatusCode::BAD_REQUEST, &json!([fault])));
    assert_eq!(answer["message"], format!("line 5002: uuid {reason}"));
    assert_eq!(count("uuid LIKE 'new-%'").await, 0);
}

/// A file of groups with a thousand members each, of whom every one is in all of them.
fn memberships() -> Body {
    let chunks = (0..MEMBERSHIPS / 1000).map(|group| {
        let mut lines = if group == 0 { "name,description,organisation,member\n".to_owned() } else { String::new() };
        for user in 0..1000 {
            writeln!(lines, "crew-{group},Crew {group},north,user{user}").unwrap();
        }
        Ok::<_, std::io::Error>(Bytes::from(lines))
    });
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_hundred_thousand_memberships_come_in_one_file() {
    let world = World::new().await;
    let users: String = (0..1000).fold("account\n".to_owned(), |file, n| file + &format!("user{n}\n"));
    assert_eq!(import(&world, "users", users).await, (StatusCode::OK, json!({ "added": 1000, "changed": 0 })));
    for (added, changed) in [(MEMBERSHIPS, 0), (0, MEMBERSHIPS)] {
        let began = Instant::now();
        let answer = import(&world, "groups", memberships()).await;
        println!("{MEMBERSHIPS} members: {:.2} s", began.elapsed().as_secs_f64());
        assert_eq!(answer, (StatusCode::OK, json!({ "added": added, "changed": changed })));
    }
    let sql = "SELECT (SELECT count(*) FROM user_group_members), count(*), max(id) - min(id) FROM user_groups";
    let row = world.client().await.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), (100_000, 100, 99));
    let file = "name,member\ncrew-0,user1\ncrew-0,user2\n";
    assert_eq!(import(&world, "labels", file).await, (StatusCode::OK, json!({ "added": 2, "changed": 0 })));
    let (status, answer) = import(&world, "labels", "name,member\nx,user1\nx,nobody\n").await;
    let fault = json!({ "line": 3, "column": "member", "reason": "there is no user nobody" });
    assert_eq!((status, &answer["errors"]), (StatusCode::BAD_REQUEST, &json!([fault])));
}

#[tokio::test]
async fn a_tree_comes_in_a_file_and_other_files_are_not_there() {
    let world = World::new().await;
    let file = "code,name,parent\nx,X,south\ny,Y,x\n";
    assert_eq!(import(&world, "organisations", file).await, (StatusCode::OK, json!({ "added": 2, "changed": 0 })));
    assert_eq!(failure(404, import(&world, "nothing", "x\n").await), "there are no imports of nothing");
    let mut state = world.state.clone();
    state.limits.max_upload_bytes = 10;
    let call = request("POST", "/admin/v1/imports/users").token(&world.admin.token).body("account\nlonger\n");
    let answer = drover_ingress::router(state).oneshot(call).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_documents_are_served_to_everybody() {
    let world = World::new().await;
    let (status, index) = world.send(request("GET", "/openapi").empty()).await;
    assert_eq!(status, StatusCode::OK);
    for document in index["documents"].as_array().unwrap() {
        let (status, headers, body) = world.raw(request("GET", document["href"].as_str().unwrap()).empty()).await;
        let served: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &served["info"]["title"]), (StatusCode::OK, &document["title"]));
        assert_eq!(headers["cache-control"], "no-cache");
    }
    let names: Vec<&Value> = index["documents"].as_array().unwrap().iter().map(|document| &document["name"]).collect();
    assert_eq!(names, ["admin", "apps", "mdm"]);
}
