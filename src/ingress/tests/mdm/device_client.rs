//! A1-A4: what devices ask.

use drover_domain::ClientVersionId;
use serde_json::{Value, json};

use crate::{
    catalogue::{ask, asked, column, device, distribute, group_body, publish, published},
    world::{World, encoded, failure, request, success},
};

const CHECK: &str = "v2/check_app_version";
const OLD_CHECK: &str = "check_app_version";

fn codes(answer: &Value) -> Vec<i64> {
    column(&answer["mdmClientAppInfos"], "appVersionCode").into_iter().map(|code| code.as_i64().unwrap()).collect()
}

fn nothing() -> Value {
    json!({"mdmClientAppGroup": null, "mdmClientAppInfos": []})
}

#[tokio::test]
async fn a_check_answers_what_is_published_here_and_newer() {
    let world = World::new().await;
    let (_, versions) = published(&world, &group_body("a"), &[1, 2], &["north"]).await;
    let below = device(&world, "d-1", "north-1", 51201).await;
    let beside = device(&world, "d-2", "south", 51201).await;
    let installed = |code| [("groupCode", "a"), ("appVersionCode", code)];

    let all = ask(&world, &below, CHECK, &installed("0")).await;
    assert_eq!((codes(&all), &all["mdmClientAppGroup"]["groupCode"]), (vec![2, 1], &json!("a")));
    assert_eq!(codes(&ask(&world, &below, CHECK, &installed("1")).await), [2]);
    assert_eq!(codes(&ask(&world, &below, CHECK, &installed("-2147483648")).await), [2, 1]);
    let newest = ask(&world, &below, CHECK, &installed("2")).await;
    assert_eq!((codes(&newest), &newest["mdmClientAppGroup"]["groupCode"]), (vec![], &json!("a")), "nothing newer");
    assert_eq!(codes(&ask(&world, &beside, CHECK, &installed("0")).await), [0; 0]);
    let unknown = [("groupCode", "nobodys"), ("appVersionCode", "0")];
    assert_eq!(ask(&world, &below, CHECK, &unknown).await, nothing());

    let again = publish(&world, &versions[1], &["south"]).await;
    assert_eq!(codes(&ask(&world, &beside, CHECK, &installed("0")).await), [2]);
    world.service.cancel_publication(&world.admin.operator, again).await.unwrap();
    assert_eq!(codes(&ask(&world, &beside, CHECK, &installed("0")).await), [0; 0], "it was taken back there");
    assert_eq!(codes(&ask(&world, &below, CHECK, &installed("0")).await), [2, 1], "and stays here");
    let newer = ClientVersionId(versions[1].parse().unwrap());
    world.service.obsolete_version(&world.admin.operator, newer).await.unwrap();
    assert_eq!(codes(&ask(&world, &below, CHECK, &installed("0")).await), [1], "it was withdrawn everywhere");
    let expire = "UPDATE audiences SET expires_at = now()";
    world.client().await.batch_execute(expire).await.unwrap();
    assert_eq!(codes(&ask(&world, &below, CHECK, &installed("0")).await), [0; 0], "its time is over");
}

#[tokio::test]
async fn the_force_comes_from_a_distribution() {
    let world = World::new().await;
    let (_, versions) = published(&world, &group_body("a"), &[1], &["root"]).await;
    let device = device(&world, "d-1", "north-1", 51201).await;
    let check = [("groupCode", "a"), ("appVersionCode", "0")];
    let old = [("appVersionCode", "0"), ("os", "51201"), ("packageName", "com.example.client")];
    let force = async || {
        let new = ask(&world, &device, CHECK, &check).await["mdmClientAppInfos"][0]["forceUpdate"].clone();
        assert_eq!(ask(&world, &device, OLD_CHECK, &old).await["forceUpdate"], new);
        new
    };
    assert_eq!(force().await, false);
    distribute(&world, &versions[0], &["south"], true).await;
    assert_eq!(force().await, false, "another's");
    distribute(&world, &versions[0], &["north"], true).await;
    assert_eq!(force().await, true);
    let shown = world.ok(&world.admin, "GET", &crate::catalogue::apps(&format!("/{}", versions[0])), &[]).await;
    assert_eq!(shown["forceUpdate"], false, "deprecated where no device asks");
}

#[tokio::test]
async fn the_old_check_answers_one_version_or_an_empty_object() {
    let world = World::new().await;
    published(&world, &group_body("a"), &[1, 2], &["root"]).await;
    let device = device(&world, "d-1", "north", 51201).await;
    let (os, package) = (("os", "51201"), ("packageName", "com.example.client"));
    for (query, expected) in [
        (&[os, package, ("appVersionCode", "0")][..], json!(2)),
        (&[os, package, ("appVersionCode", "0"), ("appUiFamily", "BYOD")], json!(2)),
        (&[os, package, ("appVersionCode", "0"), ("appUiFamily", "")], json!(2)),
        (&[os, package, ("appVersionCode", "0"), ("appUiFamily", "byod")], Value::Null),
        (&[os, package, ("appVersionCode", "2")], Value::Null),
        (&[("os", "51202"), package, ("appVersionCode", "0")], Value::Null),
        (&[os, ("packageName", "other"), ("appVersionCode", "0")], Value::Null),
    ] {
        let answer = ask(&world, &device, OLD_CHECK, query).await;
        assert_eq!(answer["appVersionCode"], expected, "{query:?}");
        assert!(!expected.is_null() || answer == json!({}), "{answer}");
    }
}

#[tokio::test]
async fn extended_terminals_are_answered_by_their_systems_latest_program() {
    let world = World::new().await;
    let extended = |code: &str, os: i32| {
        let mut body = group_body(code);
        (body["terminalClass"], body["os"]) = ("1".into(), os.into());
        body
    };
    let (_, older) = published(&world, &extended("older", 51201), &[9], &["root"]).await;
    let (_, latest) = published(&world, &extended("latest", 51201), &[1, 2], &["north"]).await;
    let (_, of_ios) = published(&world, &extended("ios", 51202), &[1], &["root"]).await;
    let (_, direct) = published(&world, &group_body("direct"), &[1], &["root"]).await;
    let north = device(&world, "d-1", "north-1", 51201).await;
    let south = device(&world, "d-2", "south", 51201).await;
    let harmony = device(&world, "d-3", "north", 51205).await;

    let answer = ask(&world, &north, "ext/apps", &[]).await;
    assert_eq!((codes(&answer), &answer["mdmClientAppGroup"]["groupCode"]), (vec![2, 1], &json!("latest")));
    let answer = ask(&world, &south, "ext/apps", &[]).await;
    assert_eq!((codes(&answer), &answer["mdmClientAppGroup"]["groupCode"]), (vec![9], &json!("older")));
    assert_eq!(ask(&world, &harmony, "ext/apps", &[]).await, nothing());

    for (device, version, code) in [(&north, &latest[0], 1), (&north, &older[0], 9), (&south, &older[0], 9)] {
        let one = ask(&world, device, "ext/app", &[("appId", version)]).await;
        assert_eq!((codes(&one), &one["mdmClientAppInfos"][0]["id"]), (vec![code], &json!(version)));
    }
    for (device, version) in
        [(&south, &latest[0]), (&north, &of_ios[0]), (&north, &direct[0]), (&north, &"404404".into())]
    {
        let unknown = failure(404, asked(&world, device, "ext/app", &[("appId", version)]).await);
        assert_eq!(unknown, format!("version {version} does not exist"));
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let world = World::new().await;
    let device = device(&world, "d-1", "north", 51201).await;
    let (code, os, package) = (("appVersionCode", "1"), ("os", "51201"), ("packageName", "p"));
    for (path, query, message) in [
        (CHECK, &[("groupCode", "a")][..], "appVersionCode: is missing"),
        (CHECK, &[code], "groupCode: is missing"),
        (CHECK, &[("groupCode", "a"), ("appVersionCode", "1.0")], "appVersionCode: is not a number in range"),
        (CHECK, &[("groupCode", "a"), ("appVersionCode", "2147483648")], "appVersionCode: is not a number in range"),
        (CHECK, &[code, ("groupCode", &*"x".repeat(129))], "groupCode: is longer than 128 characters"),
        (OLD_CHECK, &[code, os], "packageName: is missing"),
        (OLD_CHECK, &[code, package], "os: is missing"),
        (OLD_CHECK, &[code, package, ("os", "1")], "os: is one of 51201 (Android)"),
        (OLD_CHECK, &[os, package], "appVersionCode: is missing"),
        ("ext/app", &[], "appId: is missing"),
        ("ext/app", &[("appId", "x")], "appId: is not a number in range"),
    ] {
        let refused = failure(400, asked(&world, &device, path, query).await);
        assert!(refused.starts_with(message), "{path} {query:?}: {refused}");
    }
}

#[tokio::test]
async fn only_the_device_itself_is_answered() {
    let world = World::new().await;
    published(&world, &group_body("a"), &[1], &["root"]).await;
    let (one, other) = (device(&world, "d-1", "north", 51201).await, device(&world, "d-2", "north", 51201).await);
    let query = |uuid: &str| encoded(&[("deviceUuid", uuid), ("groupCode", "a"), ("appVersionCode", "0")]);
    for path in ["ext/apps", "ext/app", CHECK, OLD_CHECK] {
        let target = |uuid: &str| format!("/mdm/v1/devices_client/{path}?{}", query(uuid));
        for (uuid, token) in [(&*one.uuid, &*other.token), ("nobody", &one.token), (&one.uuid, &world.admin.token)] {
            failure(401, world.send(request("POST", &target(uuid)).token(token).empty()).await);
        }
        failure(401, world.send(request("POST", &target(&one.uuid)).empty()).await);
        let unnamed = format!("/mdm/v1/devices_client/{path}");
        let refused = failure(400, world.send(request("POST", &unnamed).token(&one.token).empty()).await);
        assert_eq!(refused, "deviceUuid: is missing");
    }
    // A device has no business with the catalogue.
    failure(401, world.send(request("GET", "/mdm/v1/clientupgrade/groups").token(&one.token).empty()).await);

    let fields = [
        ("deviceUuid", one.uuid.as_str()),
        ("groupCode", "a"),
        ("appVersionCode", "0"),
        ("access_token", one.token.as_str()),
    ];
    let form = request("POST", &format!("/mdm/v1/devices_client/{CHECK}")).form(&fields);
    assert_eq!(codes(&success(world.send(form).await)), [1], "everything in a form");
}

#[tokio::test]
async fn a_check_says_what_the_device_runs() {
    let world = World::new().await;
    published(&world, &group_body("a"), &[1, 2], &["root"]).await;
    let device = device(&world, "d-1", "north", 51201).await;
    ask(&world, &device, CHECK, &[("groupCode", "a"), ("appVersionCode", "1")]).await;
    let sql = "SELECT package_name, version_code, version_name FROM device_apps";
    let known = async || {
        let rows = world.client().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect::<Vec<(String, i64, String)>>()
    };
    assert_eq!(known().await, [("com.example.client".into(), 1, "1.1".into())]);
    let old = [("appVersionCode", "2"), ("os", "51201"), ("packageName", "com.example.client")];
    ask(&world, &device, OLD_CHECK, &old).await;
    assert_eq!(known().await, [("com.example.client".into(), 2, "1.2".into())]);
}
