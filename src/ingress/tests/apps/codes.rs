//! Every code that uploads, applications, categories and policies are refused with, and that a refusal leaves nothing.

use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    packages::{APPS, PACKAGE, WRAPPED, apk, apk_with, bomb, form, ipa, unsigned_apk, upload_to},
    world::{World, request},
};

/// Asserts that a call was refused with 400 and a code of the document.
#[track_caller]
pub(crate) fn refused(code: u16, (status, answer): (StatusCode, Value)) {
    assert_eq!((status.as_u16(), answer["errorCode"].as_u64()), (400, Some(code.into())), "{code}: {answer}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    assert!(!answer["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn refused_uploads_have_their_codes_and_leave_nothing() {
    let world = World::new().await;
    world.saved(&world.admin, "kept.apk", &apk("com.example.kept", "1.0", 1)).await;
    world.saved(&world.admin, "wrapped.apk", &apk_with("com.example.wrapped", "1.0", 1, WRAPPED)).await;
    let before = world.holdings().await;
    assert_eq!((before.0, before.1), ([2, 2, 0, 0, 2], 2));
    let fine = apk("com.example.fine", "1.0", 1);
    let truncated = &fine[..fine.len() / 2];
    for (code, file, fields) in [
        (700, b"no package".to_vec(), &[("type", "1")][..]),
        (700, truncated.to_vec(), &[("type", "1")]),
        (700, bomb(), &[("type", "1")]),
        (701, unsigned_apk("com.example.unsigned"), &[("type", "1")]),
        (702, apk_with("com.example.kept", "2.0", 2, WRAPPED), &[("type", "1")]),
        (702, apk("com.example.wrapped", "2.0", 2), &[("type", "1")]),
        (703, apk("com.example.kept", "1.0", 1), &[("type", "2")]),
        (710, Vec::new(), &[("type", "1")]),
        (724, fine.clone(), &[("type", "1"), ("catesId", "999999")]),
        (724, fine.clone(), &[("type", "1"), ("catesId", "x")]),
        (763, ipa("com.example.ipa", "1.0", "1"), &[("type", "2")]),
        (400, fine.clone(), &[]),
        (400, fine.clone(), &[("type", "3")]),
        (400, fine.clone(), &[("type", "x")]),
        (400, fine.clone(), &[("type", "1"), ("androidOsVersion", "nine")]),
        (400, fine.clone(), &[("type", "1"), ("Company", &"x".repeat(129))]),
        (400, fine.clone(), &[("type", "1"), ("type", "1")]),
    ] {
        refused(code, world.upload(&world.admin, "a.apk", &file, fields).await);
        assert_eq!(world.holdings().await, before, "{code} {fields:?}");
    }
    refused(722, world.upload(&world.reader, "a.apk", &fine, &[("type", "1")]).await);
    let no_file = b"--B\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n1\r\n--B--\r\n".to_vec();
    refused(710, world.send(upload_to(PACKAGE, &world.admin, no_file)).await);
    let whole = form("a.apk", &fine, &[("type", "1")]);
    for length in [whole.len() / 2, whole.len() - 9] {
        refused(708, world.send(upload_to(PACKAGE, &world.admin, whole[..length].to_vec())).await);
    }
    let broken =
        stream::iter([Ok(whole[..whole.len() / 2].to_vec())]).chain(stream::iter([Err(std::io::Error::other("gone"))]));
    refused(708, world.send(upload_to(PACKAGE, &world.admin, Body::from_stream(broken))).await);
    refused(400, world.send(request("POST", PACKAGE).token(&world.admin.token).json(&json!({}))).await);
    assert_eq!(world.holdings().await, before);
    let row: i64 = world.client().await.query_one("SELECT count(*) FROM packages", &[]).await.unwrap().get(0);
    assert_eq!(row, 2, "not even the packages' names are left");
}

#[tokio::test]
async fn refused_calls_have_the_documents_codes() {
    let world = World::new().await;
    let admin = &world.admin;
    let kept = world.saved(admin, "kept.apk", &apk("com.example.kept", "1.0", 1)).await;
    let other = world.saved(admin, "other.apk", &apk("com.example.other", "1.0", 1)).await;
    let removing = world.saved(admin, "removing.apk", &apk("com.example.removing", "1.0", 1)).await;
    let remove = "UPDATE applications SET removing_at = now() WHERE id = $1";
    world.client().await.execute(remove, &[&removing]).await.unwrap();
    let path = world.undecided(admin, "kept2.apk", &apk("com.example.kept", "2.0", 2)).await;
    let used = world.category(admin, "used", &[kept]).await;
    let free = world.category(admin, "free", &[]).await;
    let store = json!({"itunesUrl": "https://apps.apple.com/app/x/id5"});
    world.ok_json(admin, "POST", "/apps/app/weburl", &store).await;
    let before = world.holdings().await;
    let app = |id: i64| format!("{APPS}/{id}");
    let category = |ids: &str| format!("/apps/category/{ids}");
    let save =
        |decision: &str, path: &str, id: Option<i64>| json!({"appPath": path, "replaceOrAdd": decision, "appId": id});
    let cases: Vec<(u16, &str, String, Value)> = vec![
        (703, "POST", format!("{APPS}/weburl"), store),
        (706, "POST", format!("{APPS}/weburl"), json!({"itunesUrl": "https://itunes.apple.com/cn/app/2048"})),
        (707, "POST", format!("{APPS}/weburl"), json!({"itunesUrl": "2048"})),
        (707, "POST", format!("{APPS}/weburl"), json!({})),
        (724, "POST", format!("{APPS}/weburl"), json!({"itunesUrl": "https://apps.apple.com/id6", "catesId": "99999"})),
        (711, "GET", app(999_999), Value::Null),
        (711, "GET", format!("{APPS}/x"), Value::Null),
        (711, "GET", format!("{APPS}/0"), Value::Null),
        (711, "PUT", app(999_999), json!({"name": "x"})),
        (712, "PUT", app(removing), json!({"name": "x"})),
        (724, "PUT", app(kept), json!({"catesId": "99999"})),
        (400, "PUT", app(kept), json!({"name": " "})),
        (400, "PUT", app(kept), json!({"osVersion": "x"})),
        (400, "PUT", app(kept), json!({"name": {}})),
        (742, "POST", APPS.into(), save("3", &path, None)),
        (742, "POST", APPS.into(), json!({"appPath": path})),
        (725, "POST", APPS.into(), save("2", "/data/app/mdm/59054d46-446b-4bd9-a0b1-8ef7e3a63e7d.apk", None)),
        (725, "POST", APPS.into(), save("2", "/etc/passwd", None)),
        (725, "POST", APPS.into(), json!({"replaceOrAdd": "2"})),
        (732, "POST", APPS.into(), save("1", &path, Some(other))),
        (711, "POST", APPS.into(), save("1", &path, Some(999_999))),
        (712, "POST", APPS.into(), save("1", &path, Some(removing))),
        (724, "POST", APPS.into(), json!({"appPath": path, "replaceOrAdd": 2, "catesId": "99999"})),
        (723, "POST", "/apps/category".into(), json!({"name": "used", "appIds": []})),
        (740, "POST", "/apps/category".into(), json!({"name": "twice", "appIds": [kept, kept]})),
        (711, "POST", "/apps/category".into(), json!({"name": "x", "appIds": [999_999]})),
        (711, "POST", "/apps/category".into(), json!({"name": "x", "appIds": "x"})),
        (400, "POST", "/apps/category".into(), json!({"appIds": [kept]})),
        (400, "POST", "/apps/category".into(), json!({"name": "x"})),
        (723, "PUT", category(&free.to_string()), json!({"name": "used"})),
        (724, "PUT", category("999999"), json!({"name": "x"})),
        (724, "PUT", category("x"), json!({"name": "x"})),
        (740, "PUT", category(&free.to_string()), json!({"appIds": [kept, kept.to_string()]})),
        (711, "PUT", category(&free.to_string()), json!({"appIds": [999_999]})),
        (751, "DELETE", category(&used.to_string()), Value::Null),
        (751, "DELETE", category(&format!("{free},{used}")), Value::Null),
        (724, "DELETE", category(&format!("{free},999999")), Value::Null),
    ];
    for (code, method, path, body) in cases {
        let answer = if body.is_null() {
            world.call(admin, method, &path, &[]).await
        } else {
            world.json(admin, method, &path, &body).await
        };
        assert_eq!(answer.1["errorCode"], code, "{method} {path} {body}: {}", answer.1);
        refused(code, answer);
        assert_eq!(world.holdings().await, before, "{method} {path} {body}");
    }
    let listed = world.ok(admin, "GET", "/apps/category", &[]).await;
    assert_eq!(listed["total"], 2, "of several categories none is removed when one is in use");
    for query in [
        [("search_platform", "3")],
        [("search_category", "x")],
        [("limit", "0")],
        [("limit", "1001")],
        [("offset", "100000")],
    ] {
        refused(400, world.call(admin, "GET", APPS, &query).await);
    }
    let (status, _) = world.send(request("GET", APPS).empty()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_package_that_is_too_large_is_413() {
    let mut world = World::new().await;
    let file = apk("com.example.a", "1.0", 1);
    world.state.limits = drover_ingress::Limits { max_upload_bytes: file.len() as u64 - 1, ..world.state.limits };
    world.router = drover_ingress::router(world.state.clone());
    let (status, answer) = world.upload(&world.admin, "a.apk", &file, &[("type", "1")]).await;
    assert_eq!((status.as_u16(), &answer["errorCode"]), (413, &json!(413)));
    assert_eq!(world.holdings().await.1, 0);
}
