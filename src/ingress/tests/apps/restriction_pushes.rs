//! B13-B16 on devices: who is given a black or white list, who is given the new one, and who drops it.

use drover_domain::{DeviceId, JobId};
use drover_messages::{DeviceCommand, DeviceReport, ReportStatus};
use serde_json::{Value, json};

use crate::{
    people::{device, list_body, make_list, set, user},
    refused, sample,
    world::{Person, World, failure},
};

const LISTS: &str = "/apps/restriction";

fn push_to(field: &str, ids: &[i64]) -> Value {
    json!({"pushDeviceType": "1,2,3", field: ids})
}

async fn push(world: &World, person: &Person, id: i64, body: &Value) {
    assert_eq!(world.ok_json(person, "POST", &format!("{LISTS}/{id}/push"), body).await, json!({}));
}

async fn set_status(world: &World, id: i64, status: i32) {
    world.ok(&world.admin, "PUT", &format!("{LISTS}/{id}/status"), &[("status", &status.to_string())]).await;
}

async fn row(world: &World, id: i64) -> Option<Value> {
    let found = world.ok(&world.admin, "GET", LISTS, &[]).await;
    found["rows"].as_array().unwrap().iter().find(|row| row["id"] == id).cloned()
}

/// Plans what is to be planned, and ends the jobs and lists that have nothing left to wait for.
async fn work(world: &World) {
    const OPEN: &str = "SELECT id FROM jobs WHERE plan_due_at IS NOT NULL ORDER BY id";
    for job in world.client().await.query(OPEN, &[]).await.unwrap() {
        world.service.plan_job(JobId(job.get(0)), 100).await.unwrap();
    }
    world.service.finish_jobs().await.unwrap();
    world.service.finish_restriction_removals().await.unwrap();
}

/// What a device is told when it asks.
async fn told(world: &World, device: i64) -> Vec<Value> {
    let commands = world.service.open_commands(DeviceId(device)).await.unwrap();
    let show = |command: DeviceCommand| serde_json::to_value(command).unwrap();
    commands.into_iter().map(show).collect()
}

/// Has a device answer everything that it is told.
async fn answer(world: &World, device: i64, status: ReportStatus) {
    let uuid: String =
        world.client().await.query_one("SELECT uuid FROM devices WHERE id = $1", &[&device]).await.unwrap().get(0);
    let report = |command: &Value| DeviceReport {
        v: 1,
        command_id: command["command_id"].as_i64().unwrap(),
        attempt: 1,
        status,
        code: None,
        message: None,
        firmware_version: None,
        device_uuid: uuid.clone(),
    };
    let reports: Vec<DeviceReport> = told(world, device).await.iter().map(report).collect();
    world.service.record_reports(&reports).await.unwrap();
    work(world).await;
}

/// The kinds of what a device is told.
async fn kinds(world: &World, device: i64) -> Vec<String> {
    told(world, device).await.iter().map(|command| command["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whom_a_push_may_name() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let (north, south) = (user(&world, "n@x", "north-1").await, user(&world, "s@x", "south").await);
    let (group, southern) = (set(&world, "group", "north", &[north]).await, set(&world, "group", "south", &[]).await);
    let (label, empty) = (set(&world, "label", "north", &[north]).await, set(&world, "label", "north", &[]).await);
    let southern_label = set(&world, "label", "north", &[south]).await;
    let path = format!("{LISTS}/{id}/push");
    let call = async |body: &Value| world.json(&world.north, "POST", &path, body).await;

    for none in [json!({"pushDeviceType": "1"}), push_to("userIds", &[]), push_to("groupIds", &[])] {
        refused(713, call(&none).await);
    }
    let both = json!({"pushDeviceType": "1", "labelIds": [label], "groupIds": [-2]});
    refused(714, call(&both).await);
    let message = refused(764, call(&push_to("labelIds", &[label, empty])).await);
    assert_eq!(message, format!("label {empty} has no users"));
    refused(764, call(&push_to("labelIds", &[southern_label])).await);
    for (body, message) in [
        (push_to("userIds", &[north, south]), format!("userIds: no such user: {south}")),
        (push_to("groupIds", &[southern, 1, group]), format!("groupIds: no such group: 1, {southern}")),
        (push_to("labelIds", &[7]), "labelIds: no such label: 7".into()),
        (push_to("userIds", &[-2]), "userIds: -2 is no id".into()),
        (json!({"userIds": [north]}), "pushDeviceType: is missing".into()),
        (json!({"userIds": ["x"], "pushDeviceType": "1"}), "userIds[0]: is not a number".into()),
    ] {
        let refused = failure(400, call(&body).await);
        assert!(refused.starts_with(&message), "{refused:?} is not {message:?}");
    }
    let bad = json!({"userIds": [north], "pushDeviceType": "1,4"});
    assert!(failure(400, call(&bad).await).starts_with("pushDeviceType: holds 1"));

    let disabled = make_list(&world, &world.admin, "disabled").await;
    set_status(&world, disabled, 0).await;
    let to_disabled = format!("{LISTS}/{disabled}/push");
    refused(720, world.json(&world.north, "POST", &to_disabled, &push_to("userIds", &[north])).await);
    let jobs: i64 = world.client().await.query_one("SELECT count(*) FROM jobs", &[]).await.unwrap().get(0);
    assert_eq!(jobs, 0, "nothing was pushed");

    // The list is above this operator, the users are its own.
    push(
        &world,
        &world.north,
        id,
        &json!({"pushDeviceType": "3, 1", "userIds": north.to_string(), "groupIds": ["-2"]}),
    )
    .await;
    assert_eq!(row(&world, id).await.unwrap()["pushDeviceType"], "1,3");
    push(&world, &world.north, id, &push_to("labelIds", &[label])).await;
    assert_eq!(row(&world, id).await.unwrap()["pushDeviceType"], "1,2,3");
}

#[tokio::test]
async fn the_documents_push_reaches_who_is_named_and_who_is_in_no_group() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let (named, grouped, free) = (
        user(&world, "named", "north").await,
        user(&world, "grouped", "north").await,
        user(&world, "free", "south").await,
    );
    set(&world, "group", "north", &[named, grouped]).await;
    let devices = [
        device(&world, named, 51201, 1).await,
        device(&world, grouped, 51201, 1).await,
        device(&world, free, 51201, 2).await,
        device(&world, free, 51202, 1).await,
    ];
    let mut body = sample("restriction_push.request.json");
    body["userIds"] = json!([named]);
    push(&world, &world.admin, id, &body).await;
    work(&world).await;
    let mut given = Vec::new();
    for device in devices {
        given.push(kinds(&world, device).await.len());
    }
    assert_eq!(given, [1, 0, 1, 0], "not who is in another group, and not another system");
    let told = told(&world, devices[0]).await;
    let expected = json!({"restriction_id": id, "name": "a", "list": "black", "revision": 1,
        "applications": [{"package_name": "com.example.game", "name": "Game"}]});
    assert_eq!((&told[0]["type"], &told[0]["restriction"]), (&json!("apply_restriction"), &expected));
}

#[tokio::test]
async fn only_the_devices_of_the_relationships_are_given_it() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let user = user(&world, "u", "north").await;
    let (company, employee) = (device(&world, user, 51201, 1).await, device(&world, user, 51201, 2).await);
    push(&world, &world.admin, id, &json!({"pushDeviceType": "2", "userIds": [user]})).await;
    work(&world).await;
    assert_eq!((kinds(&world, company).await.len(), kinds(&world, employee).await.len()), (0, 1));
}

#[tokio::test]
async fn a_list_that_is_pushed_again_has_one_assignment() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let (one, two) = (user(&world, "1", "north").await, user(&world, "2", "north").await);
    let live = async || -> Vec<(Vec<i64>, Vec<i16>)> {
        let sql = "SELECT ARRAY(SELECT target_id FROM assignment_targets WHERE assignment_id = a.id ORDER BY 1), relationships
            FROM assignments a WHERE ended_at IS NULL ORDER BY id";
        world.client().await.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    push(&world, &world.admin, id, &push_to("userIds", &[one, two])).await;
    push(&world, &world.north, id, &push_to("userIds", &[one])).await;
    assert_eq!(live().await.len(), 2, "the organisation below reaches less");
    push(&world, &world.admin, id, &json!({"pushDeviceType": "1", "userIds": [one]})).await;
    assert_eq!(live().await.len(), 3, "fewer devices");
    push(&world, &world.admin, id, &push_to("userIds", &[one])).await;
    assert_eq!(live().await, [(vec![two], vec![1, 2, 3]), (vec![one], vec![1, 2, 3])]);
    let other = make_list(&world, &world.admin, "b").await;
    push(&world, &world.admin, other, &push_to("userIds", &[one, two])).await;
    assert_eq!(live().await.len(), 3, "another list is another's");
}

#[tokio::test]
async fn who_has_a_list_is_given_the_new_one() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let user = user(&world, "u", "north").await;
    let device = device(&world, user, 51201, 1).await;
    let change = async |body: Value| world.ok_json(&world.admin, "PUT", &format!("{LISTS}/{id}"), &body).await;
    change(json!({"apps": [{"appName": "x", "pkgName": "com.x"}]})).await;
    push(&world, &world.admin, id, &push_to("userIds", &[user])).await;
    work(&world).await;
    assert_eq!(told(&world, device).await[0]["restriction"]["revision"], 2);
    answer(&world, device, ReportStatus::Succeeded).await;

    change(json!({"name": "b", "apps": [{"appName": "x", "pkgName": "com.x"}]})).await;
    work(&world).await;
    assert!(kinds(&world, device).await.is_empty(), "what is on it is the same");
    change(json!({"apps": [{"appName": "y", "pkgName": "com.y"}]})).await;
    work(&world).await;
    let told = told(&world, device).await;
    assert_eq!((told.len(), &told[0]["restriction"]["revision"]), (1, &json!(3)));
    assert_eq!(told[0]["restriction"]["applications"], json!([{"package_name": "com.y", "name": "y"}]));
}

#[tokio::test]
async fn a_disabled_list_is_dropped_and_comes_back() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let (first, second) = (user(&world, "1", "north").await, user(&world, "2", "south").await);
    let label = set(&world, "label", "south", &[second]).await;
    let devices = [device(&world, first, 51201, 1).await, device(&world, second, 51201, 1).await];
    push(&world, &world.admin, id, &push_to("userIds", &[first])).await;
    push(&world, &world.admin, id, &push_to("labelIds", &[label])).await;
    work(&world).await;
    for device in devices {
        answer(&world, device, ReportStatus::Succeeded).await;
    }
    set_status(&world, id, 0).await;
    world.ok_json(&world.admin, "PUT", &format!("{LISTS}/{id}"), &json!({"apps": list_body("x")["apps"]})).await;
    world
        .ok_json(&world.admin, "PUT", &format!("{LISTS}/{id}"), &json!({"apps": [{"appName": "z", "pkgName": "z"}]}))
        .await;
    work(&world).await;
    for device in devices {
        assert_eq!(kinds(&world, device).await, ["remove_restriction"], "and nothing of what was changed meanwhile");
        answer(&world, device, ReportStatus::Succeeded).await;
    }
    assert_eq!(row(&world, id).await.unwrap()["pushDeviceType"], "1,2,3", "to whom it was pushed stays known");

    set_status(&world, id, 1).await;
    work(&world).await;
    for device in devices {
        let told = told(&world, device).await;
        assert_eq!((told.len(), &told[0]["type"]), (1, &json!("apply_restriction")));
        assert_eq!(told[0]["restriction"]["applications"][0]["name"], "z");
    }
}

#[tokio::test]
async fn a_push_that_is_still_being_planned_stops_when_the_list_is_disabled() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let user = user(&world, "u", "north").await;
    let device = device(&world, user, 51201, 1).await;
    push(&world, &world.admin, id, &push_to("userIds", &[user])).await;
    set_status(&world, id, 0).await;
    work(&world).await;
    assert!(kinds(&world, device).await.is_empty());
    let states = "SELECT push_action, state FROM jobs ORDER BY id";
    let states = world.client().await.query(states, &[]).await.unwrap();
    let states: Vec<(String, String)> = states.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(states, [("apply".into(), "cancelled".into()), ("remove".into(), "completed".into())]);
}

#[tokio::test]
async fn a_deleted_list_goes_when_its_devices_were_told() {
    let world = World::new().await;
    let id = make_list(&world, &world.admin, "a").await;
    let user = user(&world, "u", "north").await;
    let (obedient, reluctant) = (device(&world, user, 51201, 1).await, device(&world, user, 51201, 1).await);
    push(&world, &world.admin, id, &push_to("userIds", &[user])).await;
    work(&world).await;
    for device in [obedient, reluctant] {
        answer(&world, device, ReportStatus::Succeeded).await;
    }
    let delete = async || world.ok(&world.admin, "DELETE", &format!("{LISTS}/{id}"), &[]).await;
    assert_eq!(delete().await, json!({}));
    work(&world).await;
    assert_eq!(row(&world, id).await.unwrap()["status"], 0, "it is there until its devices were told");
    assert_eq!(delete().await, json!({}), "to do so again is no error");
    refused(720, world.json(&world.admin, "POST", &format!("{LISTS}/{id}/push"), &push_to("userIds", &[user])).await);
    refused(720, world.json(&world.admin, "PUT", &format!("{LISTS}/{id}"), &json!({"name": "b"})).await);
    refused(720, world.json(&world.admin, "PUT", &format!("{LISTS}/{id}/status"), &json!({"status": 1})).await);
    assert_ne!(make_list(&world, &world.admin, "a").await, id, "its name is free");

    answer(&world, obedient, ReportStatus::Succeeded).await;
    assert!(row(&world, id).await.is_some(), "one was not told yet");
    answer(&world, reluctant, ReportStatus::Refused).await;
    assert!(row(&world, id).await.is_none());
    let left = "SELECT count(*) FROM restriction_installs UNION ALL SELECT count(*) FROM restriction_apps WHERE restriction_id = $1";
    let left = world.client().await.query(left, &[&id]).await.unwrap();
    assert!(left.iter().all(|row| row.get::<_, i64>(0) == 0), "nothing is left of it");
    refused(719, world.call(&world.admin, "DELETE", &format!("{LISTS}/{id}"), &[]).await);
}
