//! A release that replaces another reaches the devices that the application was pushed to.

use drover_domain::{DeviceId, JobId};
use drover_messages::DeviceCommand;
use serde_json::json;

use crate::{
    packages::apk,
    people::{device, set, user},
    world::{World, success},
};

/// What a device that asks is told to install, once every push is planned.
async fn versions_told(world: &World, device: i64) -> Vec<String> {
    let client = world.client().await;
    for row in client.query("SELECT id FROM jobs WHERE kind = 'push' ORDER BY id", &[]).await.unwrap() {
        world.service.plan_job(JobId(row.get(0)), 100).await.unwrap();
    }
    let open = world.service.open_commands(DeviceId(device)).await.unwrap();
    let version = |command| match command {
        DeviceCommand::InstallApplication { application, .. } => Some(application.version_name),
        _ => None,
    };
    open.into_iter().filter_map(version).collect()
}

#[tokio::test]
async fn what_replaces_an_application_is_pushed_to_all_that_it_was_pushed_to() {
    let world = World::new().await;
    let admin = &world.admin;
    let [ann, bob, eve] =
        [user(&world, "ann", "north").await, user(&world, "bob", "north").await, user(&world, "eve", "north").await];
    let devices = [device(&world, ann, 51201, 1).await, device(&world, bob, 51201, 1).await];
    let nobody = device(&world, eve, 51201, 1).await;
    let label = set(&world, "label", "north", &[bob]).await;
    let id = world.saved(admin, "a1.apk", &apk("com.example.a", "1.0", 1)).await;
    for (targets, mode) in [(json!({"userIds": [ann]}), "0"), (json!({"labelIds": [label]}), "1")] {
        let mut body = json!({"distributeType": "1", "distributeMode": mode, "deviceRelationship": "1"});
        body.as_object_mut().unwrap().extend(targets.as_object().unwrap().clone());
        success(world.json(admin, "POST", &format!("/apps/app/{id}/push"), &body).await);
    }
    for device in devices {
        assert_eq!(versions_told(&world, device).await, ["1.0"]);
    }
    let path = world.undecided(admin, "a2.apk", &apk("com.example.a", "2.0", 2)).await;
    for device in devices {
        assert_eq!(versions_told(&world, device).await, ["1.0"], "nothing is decided yet");
    }
    success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1"})).await);
    for device in devices {
        assert_eq!(versions_told(&world, device).await, ["2.0"], "the newer one alone");
    }
    assert_eq!(versions_told(&world, nobody).await, [""; 0]);
}

#[tokio::test]
async fn what_is_replaced_before_its_push_begins_is_never_brought() {
    let world = World::new().await;
    let admin = &world.admin;
    let ann = user(&world, "ann", "north").await;
    let device = device(&world, ann, 51201, 1).await;
    let id = world.saved(admin, "a1.apk", &apk("com.example.a", "1.0", 1)).await;
    let body = json!({"distributeType": "1", "distributeMode": "0", "deviceRelationship": "1", "userIds": [ann],
        "startTimeStr": "2115-12-01 08:23:00"});
    success(world.json(admin, "POST", &format!("/apps/app/{id}/push"), &body).await);
    let path = world.undecided(admin, "a2.apk", &apk("com.example.a", "2.0", 2)).await;
    success(world.save(admin, &json!({"appPath": path, "replaceOrAdd": "1"})).await);
    assert_eq!(versions_told(&world, device).await, [""; 0]);
    let client = world.client().await;
    client.execute("UPDATE jobs SET start_at = now() WHERE state = 'scheduled'", &[]).await.unwrap();
    assert_eq!(world.service.start_due_jobs().await.unwrap(), 1, "the push of the newer release alone");
    assert_eq!(versions_told(&world, device).await, ["2.0"]);
    let brought = "SELECT count(*) FROM commands";
    assert_eq!(client.query_one(brought, &[]).await.unwrap().get::<_, i64>(0), 1);
}
