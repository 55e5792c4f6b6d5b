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
