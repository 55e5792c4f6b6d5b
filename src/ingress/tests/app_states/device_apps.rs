//! B9: GET /devices/{deviceId}/apps.

use serde_json::{Value, json};

use crate::{
    scene::{application, device, push},
    world::{World, failure},
};

/// The fields of the document, its sample and its table together.
const FIELDS: [&str; 12] = [
    "appId",
    "blackFlag",
    "deviceId",
    "domainType",
    "loginId",
    "name",
    "packageName",
    "size",
    "status",
    "type",
    "updateTime",
    "version",
];

async fn says(world: &World, device: i64, package: &str, name: &str, version: &str, number: i64) {
    let sql = "INSERT INTO device_apps (device_id, package_name, name, version_name, version_code) VALUES ($1, $2, $3, $4, $5)";
    world.client().await.execute(sql, &[&device, &package, &name, &version, &number]).await.unwrap();
}

fn path(device: i64) -> String {
    format!("/devices/{device}/apps")
}

#[tokio::test]
async fn a_foreign_application_is_shown_as_the_document_samples_it() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    says(&world, id, "br.com.tupinikimtecnologia.fakegpslocation", "Fake GPS Location", "0.5.2", 0).await;
    for base in ["", "/mdm"] {
        let answer = world.ok(&world.admin, "GET", &format!("{base}{}", path(id)), &[]).await;
        let sample = json!({ "total": 1, "rows": [{
            "appId": null, "deviceId": id, "name": "Fake GPS Location",
            "packageName": "br.com.tupinikimtecnologia.fakegpslocation", "status": null, "type": null, "domainType": null,
            "size": null, "version": "0.5.2", "loginId": null, "updateTime": null, "blackFlag": 0,
        }] });
        assert_eq!(answer, sample);
    }
}

#[tokio::test]
async fn what_was_pushed_and_what_is_there_are_one_list() {
    let world = World::new().await;
    let id = device(&world, "d1", "north").await;
    let other = device(&world, "d2", "north").await;
    let pushed = application(&world, "root", "b.pushed", 5).await;
    let known = application(&world, "north", "c.known", 3).await;
    let coming = application(&world, "root", "a.coming", 1).await;
    push(&world, pushed, id, ("succeeded", "installing")).await;
    push(&world, coming, id, ("downloading", "sent")).await;
    push(&world, coming, other, ("failed", "installing")).await;
    says(&world, id, "b.pushed", "Pushed", "5.0", 5).await;
    says(&world, id, "c.known", "Known", "2.0", 2).await;
    says(&world, id, "d.foreign", "Foreign", "1", 1).await;
    let answer = world.ok(&world.admin, "GET", &path(id), &[]).await;
    let rows = answer["rows"].as_array().unwrap();
    for row in rows {
        let mut fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, FIELDS);
    }
    let shown: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!([row["packageName"], row["appId"], row["status"], row["version"], row["loginId"], row["size"]])
        })
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            ["a.coming", coming, 3, "1.0", "admin", 2048],
            ["b.pushed", pushed, 7, "5.0", "admin", 2048],
            ["c.known", known, 1, "2.0", null, 2048],
            ["d.foreign", null, null, "1", null, null],
        ])
    );
    assert_eq!(answer["total"], 4);
    let moved = rows[1]["updateTime"].as_str().unwrap();
    assert!(moved.len() == 19 && moved.contains(' '), "{moved}");
    // The newest push of a package is what counts, whichever application brought it.
    let newer = application(&world, "root", "b.pushed", 6).await;
    push(&world, newer, id, ("sent", "queued")).await;
    let query = [("offset", "1"), ("limit", "1")];
    let answer = world.ok(&world.admin, "GET", &path(id), &query).await;
    assert_eq!((&answer["total"], answer["rows"].as_array().unwrap().len()), (&json!(4), 1));
    assert_eq!((&answer["rows"][0]["appId"], &answer["rows"][0]["status"]), (&json!(newer), &json!(2)));
}

#[tokio::test]
async fn a_black_list_that_the_device_was_given_flags_what_it_names() {
    let world = World::new().await;
    let (given, spared) = (device(&world, "d1", "north").await, device(&world, "d2", "north").await);
    let client = world.client().await;
    let tenant = world.admin.operator.tenant.0;
    let list = async |name: &str, kind: i16, is_enabled: bool, package: &str| -> i64 {
        let sql = "WITH r AS (INSERT INTO restrictions (tenant_id, organisation_id, type, platform, name, is_enabled)
                SELECT $1, min(id), $2, 1, $3, $4 FROM organisations WHERE tenant_id = $1 RETURNING id)
            INSERT INTO restriction_apps (restriction_id, position, package_name) SELECT id, 0, $5 FROM r RETURNING restriction_id";
        client.query_one(sql, &[&tenant, &kind, &name, &is_enabled, &package]).await.unwrap().get(0)
    };
    for (name, kind, is_enabled, package) in
        [("black", 2, true, "a.black"), ("off", 2, false, "b.off"), ("white", 1, true, "c.white")]
    {
        let id = list(name, kind, is_enabled, package).await;
        let sql = "INSERT INTO restriction_installs (restriction_id, device_id, job_id) VALUES ($1, $2, 1)";
        client.execute(sql, &[&id, &given]).await.unwrap();
        for device in [given, spared] {
            says(&world, device, package, package, "1", 1).await;
        }
    }
    for (device, flags) in [(given, json!([1, 0, 0])), (spared, json!([0, 0, 0]))] {
        let answer = world.ok(&world.admin, "GET", &path(device), &[]).await;
        let found: Vec<&Value> = answer["rows"].as_array().unwrap().iter().map(|row| &row["blackFlag"]).collect();
        assert_eq!(json!(found), flags);
    }
}

#[tokio::test]
async fn a_device_out_of_reach_does_not_exist() {
    let world = World::new().await;
    let id = device(&world, "d1", "north-1").await;
    for person in [&world.admin, &world.north, &world.reader] {
        assert_eq!(world.ok(person, "GET", &path(id), &[]).await["total"], 0);
    }
    for (person, device) in [
        (&world.south, id.to_string()),
        (&world.stranger, id.to_string()),
        (&world.admin, "999".into()),
        (&world.admin, "x".into()),
    ] {
        let (status, answer) = world.call(person, "GET", &format!("/devices/{device}/apps"), &[]).await;
        assert_eq!((status.as_u16(), &answer["errorCode"]), (400, &json!(404)), "{answer}");
    }
    assert!(failure(400, world.call(&world.admin, "GET", &path(id), &[("limit", "0")]).await).starts_with("limit: "));
    let (status, _) = world.send(crate::world::request("GET", &path(id)).empty()).await;
    assert_eq!(status.as_u16(), 401);
}
