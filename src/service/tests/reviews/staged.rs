//! What the tests of reviews do again and again.

use drover_domain::{ApplicationId, DeviceId};
use drover_messages::{DeviceInventory, InstalledApp};
use drover_service::Targets;

use crate::scene::{EAST, Scene, Sent, told, wish};

pub(crate) const PACKAGE: &str = "com.acme.field";

/// An application that was pushed to these as required, and that their devices have.
pub(crate) async fn pushed(scene: &Scene, targets: Targets) -> ApplicationId {
    let application = scene.application(PACKAGE, 1).await;
    scene.push(application, targets, wish()).await;
    settle(scene).await;
    application
}

/// Reviews every device that waits for it.
pub(crate) async fn review(scene: &Scene) -> usize {
    let mut reviewed = 0;
    loop {
        match scene.world.service.review_devices(500).await.unwrap() {
            0 => return reviewed,
            found => reviewed += found,
        }
    }
}

/// Reviews, plans and dispatches; returns what devices got.
pub(crate) async fn reviewed(scene: &Scene) -> Vec<Sent> {
    review(scene).await;
    scene.run().await
}

/// Reviews, and has devices carry out what they got. Says what that was.
pub(crate) async fn settle(scene: &Scene) -> Vec<(String, &'static str)> {
    let sent = reviewed(scene).await;
    if !sent.is_empty() {
        scene.obey(&sent).await;
    }
    told(&sent).into_iter().map(|(uuid, _)| uuid.to_owned()).zip(sent.iter().map(Sent::what)).collect()
}

pub(crate) async fn join(scene: &Scene, set: &str, id: i64, user: i64) {
    let sql = match set {
        "group" => "INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2)",
        _ => "INSERT INTO label_members (label_id, user_id) VALUES ($1, $2)",
    };
    scene.execute(sql, &[&id, &user]).await;
}

pub(crate) async fn leave(scene: &Scene, set: &str, id: i64, user: i64) {
    let sql = match set {
        "group" => "DELETE FROM user_group_members WHERE group_id = $1 AND user_id = $2",
        _ => "DELETE FROM label_members WHERE label_id = $1 AND user_id = $2",
    };
    scene.execute(sql, &[&id, &user]).await;
}

pub(crate) async fn device(scene: &Scene, uuid: &str) -> DeviceId {
    DeviceId(scene.id("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await)
}

/// The device says what it has: these packages, in version 10.
pub(crate) async fn says(scene: &Scene, uuid: &str, packages: &[&str]) {
    let app = |package: &&str| InstalledApp {
        package_name: (*package).into(),
        name: None,
        version_name: Some("10.0".into()),
        version_code: Some(10),
        size_bytes: None,
    };
    let inventory = DeviceInventory { os_version: None, apps: packages.iter().map(app).collect() };
    scene.world.service.record_inventory(device(scene, uuid).await, inventory).await.unwrap();
}

/// A user of the east without a device.
pub(crate) async fn person(scene: &Scene, account: &str) -> i64 {
    let sql = "INSERT INTO users (tenant_id, organisation_id, account) VALUES ($1, $2, $3) RETURNING id";
    scene.id(sql, &[&scene.tenant.0, &EAST, &account]).await
}

pub(crate) fn is(uuid: &str, what: &'static str) -> Vec<(String, &'static str)> {
    vec![(uuid.to_owned(), what)]
}
