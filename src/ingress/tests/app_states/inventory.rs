//! `PUT /device/v1/apps`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    scene::{TOKEN, device},
    world::{World, request},
};

async fn put(world: &World, uuid: &str, token: &str, body: impl Into<axum::body::Body>) -> (StatusCode, Value) {
    let login = format!("Basic {}", STANDARD.encode(format!("{uuid}:{token}")));
    let (status, _, body) =
        world.raw(request("PUT", "/device/v1/apps").header("authorization", &login).body(body)).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_device_says_what_it_has() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    let body = json!({ "os_version": "13", "apps": [
        { "package_name": "com.acme.field", "name": "Field", "version_name": "2.1", "version_code": 21, "size_bytes": 48 },
        { "package_name": "com.acme.notes" },
    ] });
    for _ in 0..2 {
        assert_eq!(put(&world, "d1", TOKEN, body.to_string()).await, (StatusCode::NO_CONTENT, Value::Null));
    }
    let sql = "SELECT package_name, name, version_name, version_code, size_bytes FROM device_apps WHERE device_id = $1 ORDER BY 1";
    let rows = world.client().await.query(sql, &[&id]).await.unwrap();
    let found: Vec<(String, String, String, i64, Option<i64>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect();
    let field = ("com.acme.field".to_owned(), "Field".to_owned(), "2.1".to_owned(), 21, Some(48));
    assert_eq!(found, [field, ("com.acme.notes".into(), String::new(), String::new(), 0, None)]);
}

#[tokio::test]
async fn what_a_device_may_not_say_is_refused_and_named() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    let app = |fields: &str| format!(r#"{{"apps":[{{"package_name":"a"}},{{{fields}}}]}}"#);
    let long = "x".repeat(257);
    for (body, said) in [
        (String::new(), "malformed"),
        ("[]".into(), "not a JSON object"),
        ("{}".into(), "missing field `apps`"),
        (app(r#""name":"b""#), "[1]: "),
        (app(r#""package_name":"a""#), "[1]: this package_name is there already"),
        (app(r#""package_name":"b\u0000""#), "package_name holds a NUL"),
        (app(&format!(r#""package_name":"{long}""#)), "package_name is longer than 256"),
        (app(r#""package_name":"b","size_bytes":-1"#), "size_bytes is -1"),
        (format!(r#"{{"apps":[{}]}}"#, vec![r#"{"package_name":"a"}"#; 2001].join(",")), "apps has 2001 entries"),
        (r#"{"os_version":"a\u0000","apps":[]}"#.into(), "os_version holds a NUL"),
    ] {
        let (status, answer) = put(&world, "d1", TOKEN, body.clone()).await;
        let text = answer["error"].as_str().unwrap_or_default();
        assert!(status == StatusCode::BAD_REQUEST && text.contains(said), "{body:.80}: {status} {answer}");
    }
    let (status, _) = put(&world, "d1", TOKEN, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    for (uuid, token) in [("d1", "wrong"), ("d2", TOKEN)] {
        assert_eq!(put(&world, uuid, token, r#"{"apps":[]}"#).await.0, StatusCode::UNAUTHORIZED);
    }
    let sql = "SELECT count(*) FROM device_apps WHERE device_id = $1";
    assert_eq!(world.client().await.query_one(sql, &[&id]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn the_most_applications_of_ordinary_names_fit() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    let apps: Vec<Value> = (0..2000)
        .map(|n| json!({ "package_name": format!("com.example.vendor.application.number{n}"), "name": format!("应用程序 {n}"),
            "version_name": "12.34.5678-release", "version_code": 1_234_567_890 + n, "size_bytes": 123_456_789 }))
        .collect();
    assert_eq!(put(&world, "d1", TOKEN, json!({ "apps": apps }).to_string()).await.0, StatusCode::NO_CONTENT);
    let sql = "SELECT count(*) FROM device_apps WHERE device_id = $1";
    assert_eq!(world.client().await.query_one(sql, &[&id]).await.unwrap().get::<_, i64>(0), 2000);
}
