//! Two hundred devices under one label, half of them switched off at first, one in ten of which refuses.

use std::collections::BTreeMap;

use drover_testkit::wait_until;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    build::apk,
    estate::{Estate, HAND, LATE, counted},
};
use crate::{
    fleet::{end, said},
    support::PATIENCE,
};

/// The document's numbers.
const NOT_INSTALLED: i64 = 0;
const PRESENT: i64 = 1;
const INSTALLED: i64 = 7;
const REFUSED: i64 = 8;
const QUEUED: i64 = 100;

fn counts(given: &[(i64, usize)]) -> BTreeMap<i64, usize> {
    given.iter().copied().collect()
}

/// The numbers of devices that an application was pushed to, and that have it.
async fn tally(estate: &Estate, app: i64) -> (i64, i64) {
    let row = estate.listed(app).await.unwrap();
    (row["pushCount"].as_i64().unwrap(), row["installCount"].as_i64().unwrap())
}

#[tokio::test]
async fn an_application_goes_out_to_a_label_and_comes_back() {
    let estate = Estate::open().await;
    let app = estate.upload(apk::whole().write()).await;
    assert_eq!(tally(&estate, app).await, (0, 0));
    let phones = estate.switch_on("phone").await;

    // Pushed: the phones have it within seconds, for the tablets it waits.
    let push = json!({"labelIds": [estate.label], "distributeType": "1", "distributeMode": "0",
        "deviceRelationship": "1,2,3", "essentialApp": "1", "delApp": "1"});
    estate.call(Method::POST, &format!("/apps/app/{app}/push"), Some(&push)).await;
    let half = counts(&[(INSTALLED, 90), (REFUSED, 10), (QUEUED, 100)]);
    estate.until(app, "the phones to have it", |found| counted(found) == half).await;
    assert_eq!(tally(&estate, app).await, (200, 90));
    assert_eq!(estate.distribution(app, "&installStatus=7").await.len(), 90);
    assert_eq!(estate.distribution(app, "&installStatus=0").await.len(), 110, "whatever is not there");
    assert_eq!(estate.distribution(app, "&installStatus=8").await.len(), 10);

    // The tablets are switched on.
    let tablets = estate.switch_on("tablet").await;
    let all = counts(&[(INSTALLED, 180), (REFUSED, 20)]);
    estate.until(app, "the tablets to have it", |found| counted(found) == all).await;
    assert_eq!(tally(&estate, app).await, (200, 180));

    what_a_device_has(&estate, app).await;
    who_joins_and_leaves(&estate, app).await;

    // Taken back from the first four users: their forty devices have it no more, or never had.
    let before = estate.distribution(app, "").await;
    let mut taken = Vec::new();
    for user in 1..=4 {
        taken.push(estate.user(&format!("user{user}")).await);
    }
    let path = format!("/apps/app/{app}/push?userIds={}", taken.join(","));
    estate.call(Method::DELETE, &path, None).await;
    let is_theirs = |name: &str| name.rsplit(' ').next().unwrap().parse().is_ok_and(|number: u32| number <= 20);
    let after: BTreeMap<String, i64> = before
        .iter()
        .map(|(name, status)| (name.clone(), if is_theirs(name) { NOT_INSTALLED } else { *status }))
        .collect();
    estate.until(app, "four users' devices to have it no more", |found| *found == after).await;
    let left = counted(&after)[&INSTALLED];
    wait_until(PATIENCE, "the counts to follow", async || tally(&estate, app).await.1 == left.cast_signed() as i64)
        .await;

    // Removed altogether while the tablets are off: it is there until they were told.
    let tablets = end(tablets).await;
    assert_eq!(said(&tablets, "failures"), 0, "{tablets}");
    estate.call(Method::DELETE, &format!("/apps/app/{app}"), None).await;
    let (status, again) = estate.answer(Method::POST, &format!("/apps/app/{app}/push"), Some(&push)).await;
    assert_eq!((status, &again["errorCode"]), (StatusCode::BAD_REQUEST, &json!(712)));
    let is_gone = |name: &str, status: &i64| !name.starts_with("phone") || *status == NOT_INSTALLED;
    let phones_are_told = |found: &BTreeMap<String, i64>| found.iter().all(|(name, status)| is_gone(name, status));
    estate.until(app, "the phones to be told", phones_are_told).await;
    assert!(estate.listed(app).await.is_some(), "the tablets were not told");
    let tablets = estate.switch_on("tablet").await;
    wait_until(PATIENCE, "the application to go", async || estate.listed(app).await.is_none()).await;
    let (status, gone) = estate.answer(Method::GET, &format!("/apps/app/{app}"), None).await;
    assert_eq!((status, &gone["errorCode"]), (StatusCode::BAD_REQUEST, &json!(711)));

    for fleet in [phones, tablets] {
        let log = end(fleet).await;
        assert_eq!(said(&log, "failures"), 0, "{log}");
    }
    estate.close().await;
}

/// What a device says it has, beside what was pushed to it, and what a black list says of that.
async fn what_a_device_has(estate: &Estate, app: i64) {
    let having = estate.call(Method::GET, &format!("/apps/app/{app}/distribution?installStatus=7&limit=1"), None).await;
    let row = &having["rows"][0];
    let (device, name) = (row["deviceId"].as_i64().unwrap(), row["deviceName"].as_str().unwrap());
    let (kind, number) = name.split_once(' ').unwrap();
    let uuid = format!("{kind}-{:06}", number.parse::<u32>().unwrap());
    let inventory = json!({"os_version": "14", "apps": [
        {"package_name": "com.example.app", "name": "Example", "version_name": "1.2.3", "version_code": (1_i64 << 32) + 42},
        {"package_name": "com.example.game", "name": "Game", "version_name": "9", "version_code": 9, "size_bytes": 5}]});
    estate.say_installed(&uuid, &inventory).await;
    let apps = async || -> Value {
        let found = estate.call(Method::GET, &format!("/devices/{device}/apps"), None).await;
        let facts = |row: &Value| json!([row["packageName"], row["status"], row["blackFlag"]]);
        found["rows"].as_array().unwrap().iter().map(facts).collect()
    };
    let status = apps().await[0][1].as_i64().unwrap();
    assert!([PRESENT, INSTALLED].contains(&status), "{status}");
    let of_game = |flag: i32| json!(["com.example.game", null, flag]);
    assert_eq!(apps().await[1], of_game(0));

    let list = json!({"name": "games", "type": 2, "platformType": 1, "description": "", "status": 1,
        "apps": [{"appName": "Game", "pkgName": "com.example.game"}]});
    let list = estate.call(Method::POST, "/apps/restriction", Some(&list)).await["appStrategyId"].as_i64().unwrap();
    let push = json!({"pushDeviceType": "1", "labelIds": [estate.label]});
    estate.call(Method::POST, &format!("/apps/restriction/{list}/push"), Some(&push)).await;
    wait_until(PATIENCE, "the game to be on a black list", async || apps().await[1] == of_game(1)).await;
    estate.call(Method::DELETE, &format!("/apps/restriction/{list}"), None).await;
    wait_until(PATIENCE, "the list to go", async || {
        estate.call(Method::GET, "/apps/restriction", None).await["total"] == 0
    })
    .await;
    wait_until(PATIENCE, "the game to be on no list", async || apps().await[1] == of_game(0)).await;
}

/// Whoever is given the label is given the application, keeps it, and loses it with the label.
async fn who_joins_and_leaves(estate: &Estate, app: i64) {
    let user = estate.user(LATE).await;
    estate.change_label("add", &user).await;
    let first = estate.hand_does("install_application").await;
    assert_eq!(first["application"]["package_name"], "com.example.app");
    let is = |expected: i64| move |found: &BTreeMap<String, i64>| found.get("hand") == Some(&expected);
    estate.until(app, "who joined to have it", is(INSTALLED)).await;
    // Its user removes it, and it is essential.
    let package =
        json!({"package_name": "com.example.app", "version_name": "1.2.3", "version_code": (1_i64 << 32) + 42});
    estate.say_installed(HAND, &json!({"apps": [package]})).await;
    estate.say_installed(HAND, &json!({"apps": []})).await;
    let again = estate.hand_does("install_application").await;
    assert_ne!(again["command_id"], first["command_id"]);
    estate.until(app, "what is essential to be back", is(INSTALLED)).await;
    estate.change_label("remove", &user).await;
    estate.hand_does("uninstall_application").await;
    estate.until(app, "who left to have it no more", is(NOT_INSTALLED)).await;
}
