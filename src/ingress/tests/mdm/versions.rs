//! A11, A12 and A16: the rules of versions.

use serde_json::{Value, json};

use crate::{
    catalogue::{add_version, apps, file, group_body, groups, make_group, sorts_by_every_column, version_body},
    world::{World, failure},
};

#[tokio::test]
async fn what_cannot_be_added_is_refused_by_the_name_of_its_field() {
    let world = World::new().await;
    let group = make_group(&world, &world.admin, &group_body("a")).await;
    let (own, foreign) = (file(&world, "acme", 1, 84).await, file(&world, "other", 1, 84).await);
    let id = add_version(&world, &world.admin, &group, &version_body(&own, 1)).await;
    let path = groups(&format!("/{group}/apps"));
    let unknown = |field: &str| format!("{field}: there is no file {foreign}");
    for (field, value, message) in [
        ("appFileUuid", Value::Null, "appFileUuid: is missing".to_owned()),
        ("appFileUuid", "x".into(), "appFileUuid: is no UUID".into()),
        ("appFileUuid", foreign.as_str().into(), unknown("appFileUuid")),
        ("appIconUuid", foreign.as_str().into(), unknown("appIconUuid")),
        ("packageName", Value::Null, "packageName: is missing".into()),
        (
            "packageName",
            "com.example.other".into(),
            "packageName: the versions of this group are of com.example.client".into(),
        ),
        ("appName", ".".into(), "appName: is no name for a file".into()),
        ("appName", " .. ".into(), "appName: is no name for a file".into()),
        ("appVersionCode", Value::Null, "appVersionCode: is missing".into()),
        ("appVersionCode", 0.into(), "appVersionCode: must be above 0".into()),
        ("appVersionCode", (-1).into(), "appVersionCode: must be above 0".into()),
        ("appVersionCode", (1_i64 << 31).into(), "appVersionCode: is no 32-bit number".into()),
        ("appVersionCode", json!(1.5), "appVersionCode: invalid type".into()),
        ("appVersionName", "".into(), "appVersionName: is missing".into()),
        ("appSize", 85.into(), "appSize: the file has 84 bytes".into()),
        ("appSize", "many".into(), "appSize: is not a number".into()),
        ("updateInfo", "新".repeat(4001).into(), "updateInfo: is longer than 4000 characters".into()),
        ("remark", json!({}), "remark: invalid type".into()),
    ] {
        let mut body = version_body(&own, 2);
        body[field] = value;
        let refused = failure(400, world.json(&world.admin, "POST", &path, &body).await);
        assert!(refused.starts_with(&message), "{refused:?} is not {message:?}");
    }
    let taken = failure(409, world.json(&world.admin, "POST", &path, &version_body(&own, 1)).await);
    assert_eq!(taken, "appVersionCode: the group has a version 1");
    let not_json = world.send(crate::world::request("POST", &path).token(&world.admin.token).body("[1]")).await;
    assert_eq!(failure(400, not_json), "body: is not a JSON object");
    let kept = world.ok(&world.admin, "GET", &path, &[]).await;
    assert_eq!((&kept["totalCount"], &kept["contentList"][0]["id"]), (&json!(1), &json!(id)));
    assert_eq!(kept["contentList"][0]["appName"], "client 1.apk", "the name of the file, as none was sent");
}

#[tokio::test]
async fn what_may_not_be_set_is_passed_over() {
    let world = World::new().await;
    let group = make_group(&world, &world.admin, &group_body("a")).await;
    let mut body = version_body(&file(&world, "acme", 1, 84).await, 5);
    for (field, value) in [
        ("id", json!({"any": "thing"})),
        ("os", json!("nonsense")),
        ("status", json!("0")),
        ("default", json!("yes")),
        ("forceUpdate", json!(true)),
        ("groupId", json!("404")),
        ("orgCode", json!(17)),
        ("tenantId", json!([])),
        ("updateTime", json!("yesterday")),
        ("appUiFamily", json!("a,b,c,d,e,f,g")),
    ] {
        body[field] = value;
    }
    body["appSize"] = "84".into();
    let id = add_version(&world, &world.admin, &group, &body).await;
    let version = world.ok(&world.admin, "GET", &apps(&format!("/{id}")), &[]).await;
    for (field, value) in [
        ("id", json!(id)),
        ("os", json!(51201)),
        ("status", json!("1")),
        ("default", json!(false)),
        ("forceUpdate", json!(false)),
        ("groupId", json!(group)),
        ("orgCode", json!("root")),
        ("appUiFamily", json!("COPE,BYOD")),
        ("appSize", json!(84)),
    ] {
        assert_eq!(version[field], value, "{field}");
    }
}

#[tokio::test]
async fn versions_are_sorted_by_every_column_and_void_ones_are_shown() {
    let world = World::new().await;
    let group = make_group(&world, &world.admin, &group_body("a")).await;
    for (number, code, name, text) in
        [(1, 3, "b", "y"), (2, 1, "a", "z"), (3, 4, "b", ""), (4, 2, "c", "x"), (5, 9, "a", "x")]
    {
        let file = file(&world, "acme", number, i64::from(number % 3) + 1).await;
        let mut body = version_body(&file, code);
        (body["appName"], body["updateInfo"], body["remark"]) = (name.into(), text.into(), name.into());
        if number % 2 == 0 {
            body["appIconUuid"] = file.into();
        }
        add_version(&world, &world.admin, &group, &body).await;
    }
    let apart = "UPDATE client_versions SET updated_at = now() - make_interval(days => version_code % 3),
        void_at = CASE WHEN version_code = 4 THEN now() END";
    world.client().await.batch_execute(apart).await.unwrap();
    let path = groups(&format!("/{group}/apps"));
    sorts_by_every_column(&world, &path).await;
    let by_code = world.ok(&world.admin, "GET", &path, &[("sortKey", "appVersionCode"), ("pageSize", "2")]).await;
    assert_eq!((&by_code["totalCount"], &by_code["pageCount"]), (&json!(5), &json!(3)));
    let statuses: Vec<_> = by_code["contentList"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["1", "0"], "9 and the void 4");
    let refused = failure(400, world.call(&world.admin, "GET", &path, &[("sortKey", "size")]).await);
    assert!(refused.starts_with("sortKey: is one of id, "), "{refused}");
}

#[tokio::test]
async fn a_version_is_seen_by_who_sees_its_group() {
    let world = World::new().await;
    let group = make_group(&world, &world.north, &group_body("a")).await;
    let body = version_body(&file(&world, "acme", 1, 84).await, 1);
    let id = add_version(&world, &world.north, &group, &body).await;
    let path = apps(&format!("/{id}"));
    for (by, status) in
        [(&world.admin, 200), (&world.north, 200), (&world.reader, 200), (&world.south, 404), (&world.stranger, 404)]
    {
        assert_eq!(world.call(by, "GET", &path, &[]).await.0, status, "{}", by.operator.login_id);
    }
    let unknown = failure(404, world.call(&world.admin, "GET", &apps("/404404"), &[]).await);
    let hidden = failure(404, world.call(&world.south, "GET", &path, &[]).await);
    assert_eq!((unknown.as_str(), hidden), ("version 404404 does not exist", format!("version {id} does not exist")));
    assert_eq!(world.ok(&world.north, "GET", &path, &[]).await["orgCode"], "north");
}
