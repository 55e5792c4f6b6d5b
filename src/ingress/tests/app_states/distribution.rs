//! B10: GET /apps/app/{appId}/distribution.

use serde_json::{Value, json};

use crate::{
    scene::{application, device, push},
    world::{World, failure},
};

fn path(application: i64) -> String {
    format!("/apps/app/{application}/distribution")
}

/// The document's sample, without its comments.
fn sample() -> Value {
    json!({ "total": 1, "rows": [{
        "loginId": "lanwei", "mail": "lanwei@q.com", "mobile": null, "userId": 25, "userName": "lanwei",
        "groupName": "默认组", "groupId": -2, "deviceId": 108, "installStatus": 2, "deviceName": "lanwei_Android",
        "deviceType": 1, "versioNum": "6.0", "relationship": 1, "requiredApp": 0,
        "lastOnlineTime": "2015-12-11 10:27:50", "updateTime": "2015-12-22 11:39:38", "adminLoginId": "admin",
        "pushTime": "2015-12-01 08:23:00"
    }] })
}

#[tokio::test]
async fn a_row_is_as_the_document_samples_it() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    let client = world.client().await;
    client
        .execute(
            "UPDATE users SET mail = 'lanwei@q.com' WHERE id = (SELECT user_id FROM devices WHERE id = $1)",
            &[&id],
        )
        .await
        .unwrap();
    client.execute("INSERT INTO device_inventories (device_id, os_version) VALUES ($1, '6.0')", &[&id]).await.unwrap();
    let app = application(&world, "root", "a", 1).await;
    let job = push(&world, app, id, ("sent", "queued")).await;
    let times = "UPDATE devices SET online_at = '2015-12-11 02:27:50Z' WHERE id = $1";
    client.execute(times, &[&id]).await.unwrap();
    client.execute("UPDATE jobs SET start_at = '2015-12-01 00:23:00Z' WHERE id = $1", &[&job]).await.unwrap();
    client.execute("UPDATE commands SET updated_at = '2015-12-22 03:39:38Z' WHERE job_id = $1", &[&job]).await.unwrap();
    client
        .execute("UPDATE app_installs SET updated_at = '2015-12-01 00:23:00Z' WHERE device_id = $1", &[&id])
        .await
        .unwrap();
    for base in ["", "/mdm"] {
        let query = [("searchInput", "D1"), ("relationship", "1"), ("installStatus", "2")];
        let answer = world.ok(&world.admin, "GET", &format!("{base}{}", path(app)), &query).await;
        assert_eq!(answer["total"], 1);
        let (row, sample) = (&answer["rows"][0], &sample()["rows"][0]);
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(row), names(sample));
        for same in [
            "mail",
            "mobile",
            "groupName",
            "groupId",
            "installStatus",
            "versioNum",
            "relationship",
            "lastOnlineTime",
            "updateTime",
            "adminLoginId",
            "pushTime",
        ] {
            assert_eq!(row[same], sample[same], "{same}");
        }
        let own = json!([
            row["loginId"],
            row["userName"],
            row["deviceId"],
            row["deviceName"],
            row["deviceType"],
            row["requiredApp"]
        ]);
        assert_eq!(own, json!(["d1@example.com", "用户 d1", id, "设备 d1", 10, 1]));
    }
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let world = World::new().await;
    let app = application(&world, "root", "a", 5).await;
    let client = world.client().await;
    let mut devices = Vec::new();
    for (n, (state, prior)) in [
        ("queued", "planned"),
        ("sent", "queued"),
        ("downloading", "sent"),
        ("failed", "downloading"),
        ("downloaded", "downloading"),
        ("installing", "downloaded"),
        ("succeeded", "installing"),
        ("rejected", "sent"),
        ("succeeded", "installing"),
        ("failed", "installing"),
        ("succeeded", "installing"),
        ("timed_out", "sent"),
        ("planned", "planned"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = device(&world, &format!("d{n}"), if n % 2 == 0 { "north" } else { "south" }).await;
        push(&world, app, id, (state, prior)).await;
        devices.push(id);
    }
    // The user removed it from the ninth; the eleventh has an older release.
    let removed = "UPDATE app_installs SET is_installed = false, removed_at = now() WHERE device_id = $1";
    client.execute(removed, &[&devices[8]]).await.unwrap();
    let older = "UPDATE app_installs SET installed_number = 4, installed_name = '4.0' WHERE device_id = $1";
    client.execute(older, &[&devices[10]]).await.unwrap();
    let statuses = [100, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 200, 0];
    let shown = async |query: &[(&str, &str)]| {
        let answer = world.ok(&world.admin, "GET", &path(app), query).await;
        let rows = answer["rows"].as_array().unwrap();
        assert_eq!(answer["total"], rows.len());
        rows.iter()
            .map(|row| (row["deviceId"].as_i64().unwrap(), row["installStatus"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    let all: Vec<(i64, i64)> = devices.iter().copied().zip(statuses).collect();
    assert_eq!(shown(&[]).await, all);
    for code in statuses.into_iter().chain([1, 12, -5]) {
        let expected: Vec<(i64, i64)> = all
            .iter()
            .copied()
            .filter(|(_, status)| if code == 0 { ![1, 7, 11].contains(status) } else { *status == code })
            .collect();
        assert_eq!(shown(&[("installStatus", &code.to_string())]).await, expected, "{code}");
    }
    client.execute("UPDATE devices SET relationship = 2 WHERE id = $1", &[&devices[3]]).await.unwrap();
    assert_eq!(shown(&[("relationship", "2")]).await, [all[3]]);
    let who = "UPDATE users SET name = '100%_Lan', mail = 'nation@q.com' WHERE id = (SELECT user_id FROM devices WHERE id = $1)";
    client.execute(who, &[&devices[4]]).await.unwrap();
    for (search, expected) in [
        ("NATION", vec![all[4]]),
        ("0%_l", vec![all[4]]),
        ("d4@", vec![all[4]]),
        ("%", vec![all[4]]),
        ("nobody", vec![]),
    ] {
        assert_eq!(shown(&[("searchInput", search)]).await, expected, "{search}");
    }
    let window = world.ok(&world.admin, "GET", &path(app), &[("offset", "4"), ("limit", "2")]).await;
    assert_eq!(
        (&window["total"], &window["rows"][0]["deviceId"], window["rows"].as_array().unwrap().len()),
        (&json!(13), &json!(devices[4]), 2)
    );
    let south = world.ok(&world.south, "GET", &path(app), &[]).await;
    assert_eq!(south["total"], 6, "only devices within reach");
}

#[tokio::test]
async fn groups_and_missing_users_are_told_apart() {
    let world = World::new().await;
    let app = application(&world, "root", "a", 5).await;
    let client = world.client().await;
    let (grouped, lonely) = (device(&world, "d1", "north").await, device(&world, "d2", "north").await);
    for id in [grouped, lonely] {
        push(&world, app, id, ("sent", "queued")).await;
    }
    let sql = "WITH g AS (INSERT INTO user_groups (tenant_id, organisation_id, name)
            SELECT tenant_id, organisation_id, 'sales' FROM devices WHERE id = $1 RETURNING id)
        INSERT INTO user_group_members (group_id, user_id) SELECT g.id, d.user_id FROM g, devices d WHERE d.id = $1 RETURNING group_id";
    let group: i64 = client.query_one(sql, &[&grouped]).await.unwrap().get(0);
    client.execute("UPDATE devices SET user_id = NULL WHERE id = $1", &[&lonely]).await.unwrap();
    let rows = world.ok(&world.admin, "GET", &path(app), &[]).await["rows"].take();
    assert_eq!(json!([rows[0]["groupId"], rows[0]["groupName"]]), json!([group, "sales"]));
    for field in ["loginId", "mail", "mobile", "userId", "userName", "groupId", "groupName", "versioNum"] {
        assert_eq!(rows[1][field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn an_application_out_of_sight_has_the_documents_code() {
    let world = World::new().await;
    let app = application(&world, "north", "a", 5).await;
    assert_eq!(world.ok(&world.reader, "GET", &path(app), &[]).await, json!({ "total": 0, "rows": [] }));
    for (person, app) in [(&world.south, app), (&world.stranger, app), (&world.admin, 99)] {
        let (status, answer) = world.call(person, "GET", &path(app), &[]).await;
        assert_eq!((status.as_u16(), &answer["errorCode"]), (400, &json!(711)), "{answer}");
    }
    let (status, answer) = world.call(&world.admin, "GET", "/apps/app/x/distribution", &[]).await;
    assert_eq!((status.as_u16(), &answer["errorCode"]), (400, &json!(711)), "as everywhere: {answer}");
    for (query, field) in [
        (("relationship", "4"), "relationship"),
        (("installStatus", "x"), "installStatus"),
        (("offset", "-1"), "offset"),
    ] {
        let refused = failure(400, world.call(&world.admin, "GET", &path(app), &[query]).await);
        assert!(refused.starts_with(field), "{refused}");
    }
}
