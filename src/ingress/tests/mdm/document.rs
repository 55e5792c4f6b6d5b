//! The document's own samples, in `samples`: what it sends is understood, and every answer has its fields, each of its type,
//! and no others.

use std::path::Path;

use chrono::TimeDelta;
use drover_domain::JobId;
use serde_json::{Value, json};

use crate::{
    catalogue::sorts_by_every_column,
    world::{CLIENT_UPGRADE, World, success},
};

pub(crate) fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mdm/samples").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A sample's body with what must be of this world in it.
fn body(name: &str, world: &World, version: i64, settings: &str) -> Value {
    let mut body = sample(&format!("{name}.request.json"));
    let ours = json!({
        "targetId": "north",
        "targetType": 57215,
        "expirationTime": (world.now + TimeDelta::days(7)).timestamp_millis(),
        "distributeSettings": settings,
        "os": 51201,
    });
    body["appId"] = json!(version.to_string());
    for (field, value) in ours.as_object().unwrap() {
        assert!(body["applyTo"][0].get(field).is_some(), "{name} has no {field}");
        body["applyTo"][0][field] = value.clone();
    }
    body
}

/// Asserts that an answer has the fields of a sample, each of its type, and no others. A sample's list shows how each entry
/// looks.
#[track_caller]
pub(crate) fn assert_like(place: &str, found: &Value, sample: &Value) {
    match (found, sample) {
        (Value::Object(found), Value::Object(wanted)) => {
            let (mut names, mut expected): (Vec<_>, Vec<_>) = (found.keys().collect(), wanted.keys().collect());
            names.sort();
            expected.sort();
            assert_eq!(names, expected, "{place}");
            for (name, value) in found {
                assert_like(&format!("{place}.{name}"), value, &wanted[name]);
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            assert!(!found.is_empty(), "{place} is empty: that proves nothing");
            for entry in found {
                assert_like(place, entry, &wanted[0]);
            }
        }
        (Value::Number(found), Value::Number(_)) => assert!(found.is_i64(), "{place}: {found}"),
        // A text that is a time in the sample is a time here.
        (Value::String(found), Value::String(wanted)) if wanted.starts_with("2023-") => {
            let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!(shape(found), shape(wanted), "{place}");
        }
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        _ => panic!("{place}: {found} is not of the type of {sample}"),
    }
}

#[tokio::test]
async fn the_documents_calls_are_understood_and_answered_as_it_shows() {
    let world = World::new().await;
    let version = world.version("root", 7).await;
    let device = world.device("d1", "north-1").await;
    let path = |rest: &str| format!("{CLIENT_UPGRADE}/{rest}");
    let answered = |name: &str, answer: &Value| assert_like(name, answer, &sample(&format!("{name}.answer.json")));

    let mut publish = body("publish", &world, version, "");
    publish["distribute"] = json!(false);
    let answer = world.ok_json(&world.admin, "POST", &path(&format!("apps/{version}/publish")), &publish).await;
    answered("publish", &answer);
    let logs = world.ok(&world.admin, "GET", &path(&format!("apps/{version}/publish_logs")), &[]).await;
    answered("publish_logs", &logs);
    let published = &logs["contentList"][0];
    assert_eq!((&published["status"], &published["appId"]), (&json!("1"), &json!(version.to_string())));
    assert_eq!((&published["tenantName"], &published["operatorOrgName"]), (&json!("acme"), &json!("acme")));
    assert_eq!(published["operatorName"], "操作员 admin");
    let publication = published["id"].as_str().unwrap();

    let settings = r#"{"retryTimes": 1}"#;
    let distribute = body("distribute", &world, version, settings);
    let answer = world.ok_json(&world.admin, "POST", &path(&format!("apps/{version}/distribute")), &distribute).await;
    answered("distribute", &answer);
    let log = path(&format!("apps/{version}/distribute_logs"));
    let first = world.ok(&world.admin, "GET", &log, &[]).await;
    let distribution = first["contentList"][0]["id"].as_str().unwrap().to_owned();
    world.service.plan_job(JobId(distribution.parse().unwrap()), 10).await.unwrap();
    let logs = world.ok(&world.admin, "GET", &log, &[]).await;
    answered("distribute_logs", &logs);
    let row = &logs["contentList"][0];
    assert_eq!((&row["targetId"], &row["targetType"]), (&json!("north"), &json!(57215)));
    assert_eq!((&row["resourceDeviceCount"], &row["upgradeDeviceCount"]), (&json!(1), &json!(0)));
    assert_eq!((&row["forceUpdate"], &row["status"], &row["orgCode"]), (&json!(true), &json!("1"), &json!("root")));
    assert_eq!((&row["appVersionCode"], &row["operatorId"]), (&json!(7), &json!(world.admin.operator.id.to_string())));

    let log = path(&format!("apps/{version}/upgrade_logs"));
    let logs = world.ok(&world.admin, "GET", &log, &[("filterText", "用户 D1")]).await;
    answered("upgrade_logs", &logs);
    let row = &logs["contentList"][0];
    assert_eq!((&row["deviceId"], &row["status"]), (&json!(device.to_string()), &json!("0")));
    assert_eq!((&row["account"], &row["orgCode"]), (&json!("d1@example.com"), &json!("north-1")));
    assert_eq!((&row["targetId"], &row["clientAppVersionCode"]), (&json!("north"), &json!(7)));
    let none = world.ok(&world.admin, "GET", &log, &[("filterText", "d2")]).await;
    assert_eq!(none, json!({"totalCount": 0, "pageCount": 0, "contentList": []}));

    let cancel = path(&format!("distribute_logs/{distribution}/cancel"));
    answered("distribute_cancel", &world.ok(&world.admin, "PATCH", &cancel, &[]).await);
    let logs = world.ok(&world.admin, "GET", &path(&format!("apps/{version}/distribute_logs")), &[]).await;
    assert_eq!(logs["contentList"][0]["status"], "0");

    let again = path(&format!("publish_logs/{publication}/distribute"));
    answered("publish_distribute", &world.ok(&world.admin, "POST", &again, &[("forceUpdate", "false")]).await);
    success(world.form(&world.admin, "POST", &again, &[("forceUpdate", "true")]).await);

    let cancel = path(&format!("publish_logs/{publication}/cancel"));
    answered("publish_cancel", &world.ok(&world.admin, "PATCH", &cancel, &[]).await);
    let logs = world.ok(&world.admin, "GET", &path(&format!("apps/{version}/publish_logs")), &[]).await;
    assert_eq!(logs["contentList"][0]["status"], "0");
    let obsolete = path(&format!("apps/{version}/obsolete"));
    answered("obsolete", &world.ok(&world.admin, "PATCH", &obsolete, &[]).await);
}

#[tokio::test]
async fn a_log_is_sorted_by_each_of_its_columns_and_shown_whole_when_asked() {
    let world = World::new().await;
    let version = world.version("root", 7).await;
    let apps = format!("{CLIENT_UPGRADE}/apps/{version}");
    for code in ["north", "south", "root"] {
        let target = json!({"applyTo": [{"targetId": code, "targetType": 57215}], "distribute": true});
        world.ok_json(&world.admin, "POST", &format!("{apps}/publish"), &target).await;
    }
    for log in ["publish_logs", "distribute_logs", "upgrade_logs"] {
        let row = sample(&format!("{log}.answer.json"))["contentList"][0].clone();
        for column in row.as_object().unwrap().keys() {
            for direction in ["54101", "54102"] {
                let query = [("sortKey", column.as_str()), ("sortValue", direction)];
                let found = world.ok(&world.admin, "GET", &format!("{apps}/{log}"), &query).await;
                assert_eq!(found["totalCount"], if log == "upgrade_logs" { 0 } else { 3 }, "{log} {column}");
            }
        }
    }
    let names = async |query: &[(&str, &str)]| -> Vec<String> {
        let found = world.ok(&world.admin, "GET", &format!("{apps}/distribute_logs"), query).await;
        let rows = found["contentList"].as_array().unwrap();
        rows.iter().map(|row| row["targetId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[("sortKey", "targetId"), ("sortValue", "54101")]).await, ["north", "root", "south"]);
    assert_eq!(names(&[("sortKey", "targetId"), ("pageSize", "2")]).await, ["south", "root"]);
    assert_eq!(names(&[("sortKey", "targetId"), ("pageSize", "2"), ("pageNum", "2")]).await, ["north"]);
    let whole = [("pageNum", "-1"), ("pageSize", "-1")];
    let found = world.ok(&world.admin, "GET", &format!("{apps}/distribute_logs"), &whole).await;
    assert_eq!((&found["totalCount"], &found["pageCount"]), (&json!(3), &json!(1)));
    let found = world.ok(&world.admin, "GET", &format!("{apps}/upgrade_logs"), &whole).await;
    assert_eq!((&found["totalCount"], &found["pageCount"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn the_logs_are_in_the_order_of_what_they_show() {
    let world = World::new().await;
    let version = world.version("root", 7).await;
    for (uuid, organisation) in
        [("d1", "north"), ("d2", "north-1"), ("d3", "south"), ("d4", "south"), ("d5", "north"), ("d6", "root")]
    {
        world.device(uuid, organisation).await;
    }
    let apps = format!("{CLIENT_UPGRADE}/apps/{version}");
    for (by, code, force) in [
        (&world.north, "north-1", true),
        (&world.admin, "root", false),
        (&world.south, "south", true),
        (&world.admin, "north", false),
    ] {
        let target =
            json!({"applyTo": [{"targetId": code, "targetType": 57215}], "forceUpdate": force, "distribute": true});
        world.ok_json(by, "POST", &format!("{apps}/publish"), &target).await;
    }
    let distributions = world.ok(&world.admin, "GET", &format!("{apps}/distribute_logs"), &[]).await;
    for row in distributions["contentList"].as_array().unwrap() {
        world.service.plan_job(JobId(row["id"].as_str().unwrap().parse().unwrap()), 10).await.unwrap();
    }
    let mixed = "UPDATE commands c SET state = given.state, version_before = given.before, updated_at = now() - given.age,
            deadline_at = CASE WHEN given.is_open THEN now() END, finished_at = CASE WHEN NOT given.is_open THEN now() END
            FROM devices d, (VALUES ('d1', 'failed', false, '2', interval '1 hour'), ('d2', 'timed_out', false, '', '1 hour'),
                ('d3', 'cancelled', false, '1', '2 hours'), ('d4', 'installing', true, '', '1 hour'),
                ('d5', 'sent', true, '', '0 hours'), ('d6', 'succeeded', false, '', '1 hour')
            ) given (uuid, state, is_open, before, age) WHERE c.device_id = d.id AND d.uuid = given.uuid;
        INSERT INTO outcomes (job_id, device_id, attempt, outcome, code, message)
            SELECT job_id, device_id, attempt, state, 'e7', CASE WHEN state = 'failed' THEN '' ELSE 'as told' END
            FROM commands WHERE state IN ('failed', 'cancelled')
            ON CONFLICT (job_id, device_id, attempt) DO UPDATE SET code = excluded.code, message = excluded.message;
        UPDATE jobs SET state = 'cancelled', finished_at = now(), updated_at = now() + interval '1 hour'
            WHERE id IN (SELECT min(id) FROM jobs GROUP BY kind)";
    world.client().await.batch_execute(mixed).await.unwrap();
    for log in ["publish_logs", "distribute_logs", "upgrade_logs"] {
        sorts_by_every_column(&world, &format!("{apps}/{log}")).await;
    }
}
