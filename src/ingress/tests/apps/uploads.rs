//! Uploads: what is read of packages, what becomes of other versions, and who comes first.

use std::time::Duration;

use axum::body::Body;
use drover_ingress::Limits;
use futures_util::{future::join_all, stream};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    build::apk,
    codes::refused,
    packages::{APPS, BUILT_IN, Holdings, PACKAGE, WRAPPED, apk, apk_with, form, ipa, upload_to},
    world::{World, success},
};

#[tokio::test]
async fn what_a_package_says_is_kept() {
    let world = World::new().await;
    let fields = [("type", "2"), ("Company", "Example"), ("description", "描述")];
    let answer = success(world.upload(&world.admin, "app 1.apk", &apk::whole().write(), &fields).await);
    assert_eq!(answer["platform"], 1);
    let id: i64 = answer["appId"].as_str().unwrap().parse().unwrap();
    let found = world.detail(&world.admin, id).await;
    let texts = ["name", "pkgname", "version", "osVersion", "company", "description", "fileName", "loginId"];
    let expected = ["Example", "com.example.app", "1.2.3", "5.0", "Example", "描述", "app 1.apk", "admin"];
    assert_eq!(texts.map(|field| found[field].as_str().unwrap()), expected);
    assert_eq!((&found["type"], &found["price"], &found["itunesStoreId"]), (&json!(2), &Value::Null, &Value::Null));
    let row = "SELECT r.version_number, r.signature, a.model_types, f.size_bytes = r.size_bytes
        FROM applications a JOIN app_releases r ON r.id = a.release_id JOIN files f ON f.id = r.file_id WHERE a.id = $1";
    let row = world.client().await.query_one(row, &[&id]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1)), ((1 << 32) + 42, "v2"));
    assert!(row.get::<_, Vec<i16>>(2).is_empty() && row.get(3));
    // The links lead to the very bytes, and to an image.
    for (field, expected) in [("source", Some(apk::whole().write())), ("icon", None)] {
        let link = found[field].as_str().unwrap().strip_prefix("http://drover.test").unwrap().to_owned();
        let (status, headers, body) = world.raw(crate::world::request("GET", &link).empty()).await;
        assert_eq!(status, StatusCode::OK, "{link}");
        match expected {
            Some(bytes) => assert_eq!(body, bytes),
            None => assert_eq!((&headers["content-type"], &body[1..4]), (&"image/png".parse().unwrap(), &b"PNG"[..])),
        }
    }
}

#[tokio::test]
async fn a_real_package_is_kept() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/packages-fixtures/settings_apk-debug.apk");
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}; `make test` fetches it"));
    let world = World::new().await;
    let id = world.saved(&world.admin, "settings.apk", &file).await;
    let found = world.detail(&world.admin, id).await;
    let texts = ["name", "pkgname", "version", "osVersion"].map(|field| found[field].as_str().unwrap());
    assert_eq!(texts, ["Appium Settings", "io.appium.settings", "8.0.10", "8.0"]);
    assert_eq!(found["appSize"], file.len());
    assert!(found["icon"].is_string());
}

#[tokio::test]
async fn an_ipa_is_for_all_devices_and_normal_unless_said() {
    let world = World::new().await;
    let types = async |id: i64| -> (Vec<i16>, i16) {
        let types = "SELECT model_types, domain_type FROM applications WHERE id = $1";
        let row = world.client().await.query_one(types, &[&id]).await.unwrap();
        (row.get(0), row.get(1))
    };
    let id = world.saved(&world.admin, "a.ipa", &ipa("com.example.a", "1.0", "1")).await;
    assert_eq!(types(id).await, (vec![20, 21, 22, 23], 0), "the document calls all of iOS normal");
    assert_eq!(world.detail(&world.admin, id).await["osVersion"], "13.0");
    let fields = [
        ("type", "1"),
        ("modelType", "23,20,1,x"),
        ("iosOsVersion", "14.1"),
        ("androidOsVersion", "4.0"),
        ("company", "C"),
    ];
    let answer = success(world.upload(&world.admin, "b.ipa", &ipa("com.example.b", "1.0", "1"), &fields).await);
    let id: i64 = answer["appId"].as_str().unwrap().parse().unwrap();
    assert_eq!(types(id).await.0, [20, 23]);
    let found = world.detail(&world.admin, id).await;
    assert_eq!((&found["osVersion"], &found["company"]), (&json!("14.1"), &json!("C")));
}

#[tokio::test]
async fn an_entry_of_the_manifest_says_what_is_wrapped_or_built_in() {
    let world = World::new().await;
    for (package, entry, expected) in [
        ("com.example.wrapped", WRAPPED, 2),
        ("com.example.builtin", BUILT_IN, 3),
        ("com.example.other", Some(("drover.domain", "other")), 0),
    ] {
        world.saved(&world.admin, "a.apk", &apk_with(package, "1.0", 1, entry)).await;
        let found = world.rows(&world.admin, &[("search_domaintype", &expected.to_string())]).await;
        assert_eq!(found.iter().map(|row| row["pkgname"].as_str().unwrap()).collect::<Vec<_>>(), [package]);
    }
}

#[tokio::test]
async fn what_is_said_may_stand_in_the_query_and_before_the_file() {
    let world = World::new().await;
    let file = apk("com.example.a", "1.0", 1);
    let mut sent = b"--B\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\nbefore\r\n".to_vec();
    sent.extend(form("a.apk", &file, &[("Company", "after")]));
    let path = format!("{PACKAGE}?type=1&description=query&androidOsVersion=9");
    let answer = success(world.send(upload_to(&path, &world.admin, sent)).await);
    let found = world.detail(&world.admin, answer["appId"].as_str().unwrap().parse().unwrap()).await;
    let texts = ["description", "company", "osVersion"].map(|field| found[field].as_str().unwrap());
    assert_eq!(texts, ["before", "after", "9"]);
}

#[tokio::test]
async fn another_version_waits_and_replaces_or_is_added() {
    let world = World::new().await;
    let admin = &world.admin;
    let category = world.category(admin, "tools", &[]).await.to_string();
    let fields = [("type", "1"), ("catesId", category.as_str()), ("description", "first")];
    let first = success(world.upload(admin, "a1.apk", &apk("com.example.a", "1.0", 1), &fields).await);
    let first: i64 = first["appId"].as_str().unwrap().parse().unwrap();
    let path = world.undecided(admin, "a2.apk", &apk("com.example.a", "2.0", 2)).await;
    assert_eq!(world.rows(admin, &[]).await.len(), 1, "nothing is saved");
    let saved = success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1", "name": "renamed"})).await);
    assert_eq!(saved, json!({"appId": first.to_string(), "platform": 1}));
    let found = world.detail(admin, first).await;
    let texts = ["version", "name", "fileName", "description", "cateName"].map(|field| found[field].as_str().unwrap());
    assert_eq!(texts, ["2.0", "renamed", "a2.apk", "first", "tools"], "what was not said stays");
    refused(725, world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1"})).await);

    let path = world.undecided(admin, "a3.apk", &apk("com.example.a", "3.0", 3)).await;
    let added = success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": 2, "description": "third"})).await);
    let second: i64 = added["appId"].as_str().unwrap().parse().unwrap();
    assert_ne!(second, first);
    assert_eq!(world.detail(admin, second).await["description"], "third");

    let answer = success(world.upload(admin, "a4.apk", &apk("com.example.a", "4.0", 4), &[("type", "1")]).await);
    assert_eq!((&answer["appIds"], &answer["versions"]), (&json!(format!("{first},{second}")), &json!("2.0,3.0")));
    let path = answer["appPath"].as_str().unwrap();
    refused(400, world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1"})).await);
    let saved = success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1", "appId": second})).await);
    assert_eq!(saved["appId"], second.to_string());
    assert_eq!(world.holdings().await, Holdings([2, 4, 0, 1, 4], 4));
    // A version that was replaced is not there any more.
    world.undecided(admin, "a1.apk", &apk("com.example.a", "1.0", 1)).await;
}

#[tokio::test]
async fn the_rules_are_asked_again_when_an_upload_is_saved() {
    let world = World::new().await;
    let admin = &world.admin;
    world.saved(admin, "a1.apk", &apk("com.example.a", "1.0", 1)).await;
    let two = apk("com.example.a", "2.0", 2);
    let paths = [world.undecided(admin, "a2.apk", &two).await, world.undecided(admin, "a2.apk", &two).await];
    success(world.save(admin, &json!({"appPath": paths[0], "replaceOrAdd": "2"})).await);
    refused(703, world.save(admin, &json!({"appPath": paths[1], "replaceOrAdd": "2"})).await);
    let wrapped = "UPDATE applications SET domain_type = 2";
    world.client().await.execute(wrapped, &[]).await.unwrap();
    refused(702, world.save(admin, &json!({"appPath": paths[1], "replaceOrAdd": "1"})).await);
    world.saved(admin, "i1.ipa", &ipa("com.example.i", "1.0", "1")).await;
    let path = world.undecided(admin, "i2.ipa", &ipa("com.example.i", "2.0", "2")).await;
    refused(763, world.save(admin, &json!({"appPath": path, "replaceOrAdd": "2", "type": "2"})).await);
    success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": "2"})).await);
}

#[tokio::test]
async fn nobody_decides_for_others_or_too_late() {
    let world = World::new().await;
    world.saved(&world.admin, "a1.apk", &apk("com.example.a", "1.0", 1)).await;
    let path = world.undecided(&world.admin, "a2.apk", &apk("com.example.a", "2.0", 2)).await;
    let body = json!({"appPath": path, "replaceOrAdd": "2"});
    refused(725, world.save(&world.north, &body).await);
    refused(725, world.save(&world.stranger, &body).await);
    let late = "UPDATE app_uploads SET created_at = now() - interval '25 hours'";
    world.client().await.execute(late, &[]).await.unwrap();
    refused(725, world.save(&world.admin, &body).await);
    assert!(!world.service.forget_undecided_uploads().await.unwrap());
    assert_eq!(world.holdings().await.0[2], 0);
}

#[tokio::test]
async fn what_a_release_or_an_upload_names_is_not_swept() {
    let world = World::new().await;
    world.saved(&world.admin, "a1.ipa", &ipa("com.example.a", "1.0", "1")).await;
    world.undecided(&world.admin, "a2.ipa", &ipa("com.example.a", "2.0", "2")).await;
    let age = "UPDATE files SET uploaded_at = now() - interval '1 year'";
    assert_eq!(world.client().await.execute(age, &[]).await.unwrap(), 3, "two packages with one icon");
    world.service.forget_unused_files(uuid::Uuid::nil()).await.unwrap();
    assert_eq!((world.holdings().await.0[4], world.holdings().await.1), (3, 3));
    world.client().await.execute("DELETE FROM app_uploads", &[]).await.unwrap();
    world.service.forget_unused_files(uuid::Uuid::nil()).await.unwrap();
    assert_eq!((world.holdings().await.0[4], world.holdings().await.1), (2, 2));
}

#[tokio::test]
async fn of_uploads_that_race_one_is_saved() {
    let world = World::new().await;
    let (same, mut next) = (apk("com.example.a", "1.0", 1), 0);
    let answers = join_all((0..6).map(|_| world.upload(&world.admin, "a.apk", &same, &[("type", "1")]))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| status.is_success());
    assert_eq!((won.len(), lost.len()), (1, 5), "{lost:?}");
    for answer in lost {
        refused(703, answer);
    }
    let others: Vec<Vec<u8>> = std::iter::repeat_with(|| {
        next += 1;
        apk("com.example.b", &format!("{next}.0"), next)
    })
    .take(6)
    .collect();
    let answers = join_all(others.iter().map(|file| world.upload(&world.admin, "b.apk", file, &[("type", "1")]))).await;
    let saved = answers.into_iter().map(success).filter(|answer| answer.get("appId").is_some()).count();
    assert_eq!(saved, 1, "the others wait");
    assert_eq!(world.holdings().await, Holdings([2, 2, 5, 0, 7], 7));
}

#[tokio::test]
async fn an_upload_may_flow_for_long() {
    let mut world = World::new().await;
    // No time at all: what asks the database is over it.
    world.state.limits = Limits { request_timeout: Duration::ZERO, ..world.state.limits };
    world.router = drover_ingress::router(world.state.clone());
    for (path, package) in [(PACKAGE, "com.example.a"), ("/mdm/apps/app/package", "com.example.b")] {
        let sent = form("a.apk", &apk(package, "1.0", 1), &[("type", "1")]);
        success(world.send(upload_to(path, &world.admin, sent)).await);
    }
    let (status, _) = world.call(&world.admin, "GET", APPS, &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn only_who_may_write_uploads() {
    let world = World::new().await;
    // Nothing of the body is read: it never comes.
    let silent = || Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    refused(722, world.send(upload_to(PACKAGE, &world.reader, silent())).await);
    let nobody = crate::world::Person { operator: world.admin.operator.clone(), token: "x".into() };
    let (status, _) = world.send(upload_to(PACKAGE, &nobody, silent())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
