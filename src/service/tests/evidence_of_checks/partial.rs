//! What a device names is there, and what it does not name may be.

use drover_domain::DeviceId;
use drover_messages::{DeviceInventory, InstalledApp};
use drover_store::clients::device_apps;

use crate::{
    asking::{app, asks, known},
    scene::{Scene, users, wish},
    upgrades,
};

fn installed(package: &str, version: i64) -> InstalledApp {
    InstalledApp {
        package_name: package.into(),
        name: Some(format!("App {package}")),
        version_name: Some(format!("{version}.0")),
        version_code: Some(version),
        size_bytes: Some(1000),
    }
}

async fn says_all(scene: &Scene, uuid: &str, apps: &[InstalledApp]) {
    let inventory = DeviceInventory { os_version: Some("13".into()), apps: apps.to_vec() };
    scene.world.service.record_inventory(device(scene, uuid).await, inventory).await.unwrap();
}

async fn device(scene: &Scene, uuid: &str) -> DeviceId {
    DeviceId(scene.id("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await)
}

/// Rows' transactions: a row that was written anew has another.
async fn written(scene: &Scene) -> Vec<String> {
    let sql = "SELECT 'app ' || xmin::text || ' ' || xmax::text FROM device_apps
        UNION ALL SELECT 'install ' || xmin::text || ' ' || xmax::text FROM app_installs
        UNION ALL SELECT 'all ' || xmin::text || ' ' || xmax::text FROM device_inventories
        UNION ALL SELECT 'command ' || xmin::text || ' ' || xmax::text FROM commands ORDER BY 1";
    scene.world.client().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn what_is_not_named_stays_as_it_is() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let (field, desk) = (scene.application("app.field", 1).await, scene.application("app.desk", 1).await);
    for application in [field, desk] {
        scene.push(application, users(&[ada]), wish()).await;
    }
    let sent = scene.run().await;
    scene.obey(&sent).await;
    let all = ["app.desk", "app.field", "private"].map(|package| installed(package, 10));
    says_all(&scene, "ada", &all).await;
    let named = |package: &str, version: i64, name: &str| {
        let (package, _, version, name) = app(package, version, name);
        (package.clone(), format!("App {package}"), version, name)
    };
    let before = written(&scene).await;
    asks(&scene.world, "ada", 0, &[("app.field", 10), ("unheard.of", 3)]).await;
    assert_eq!(written(&scene).await, before, "that is known");

    scene.release(field, 12).await;
    asks(&scene.world, "ada", 1, &[("app.field", 12), ("private", 7)]).await;
    let expected = [named("app.desk", 10, "10.0"), named("app.field", 12, "12.0"), named("private", 7, "")];
    assert_eq!(known(&scene.world, "ada").await, expected);
    let sizes = "SELECT count(*) FROM device_apps WHERE size_bytes = 1000";
    assert_eq!(scene.id(sizes, &[]).await, 3, "nobody said that they changed");
    assert_eq!(scene.installed(field).await, [("ada".into(), "12.0".into())].into());
    assert_eq!(scene.installed(desk).await, [("ada".into(), "10.0".into())].into());

    let before = written(&scene).await;
    asks(&scene.world, "ada", 2, &[]).await;
    asks(&scene.world, "ada", 3, &[("app.field", 12), ("private", 7)]).await;
    asks(&scene.world, "ada", 3, &[("app.field", 12), ("private", 7)]).await;
    assert_eq!(written(&scene).await, before, "nothing is absent, and what is known is not written again");
    asks(&scene.world, "ada", 4, &[("app.desk", 0), ("app.field", 0)]).await;
    assert_eq!(written(&scene).await, before, "0 is no version of anything that is there");
    assert_eq!((scene.counts(field).await, scene.counts(desk).await), ((1, 1), (1, 1)));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn no_device_is_taken_for_one_that_said_everything() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let field = scene.application("app.field", 1).await;
    scene.push(field, users(&[ada]), wish()).await;
    let sent = scene.run().await;
    asks(&scene.world, "ada", 0, &[("app.field", 9)]).await;
    assert_eq!(scene.installed(field).await, [("ada".into(), String::new())].into(), "it has an older one");
    assert_eq!(scene.counts(field).await, (1, 1));
    assert_eq!(scene.id("SELECT count(*) FROM device_inventories", &[]).await, 0);
    scene.obey(&sent).await;
    assert_eq!(scene.installed(field).await, [("ada".into(), "10.0".into())].into());
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn packages_that_nobody_here_has_are_not_kept_however_many_there_are() {
    let scene = Scene::new().await;
    scene.users(["ada"]).await;
    scene.application("app.field", 1).await;
    scene.application("app.elsewhere", 2).await;
    let names: Vec<String> = (1..=997).map(|n| format!("unheard.of.n{n}")).collect();
    let mut all: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    all.extend([("app.field", 10), ("app.elsewhere", 10), ("no\0name", 1)]);
    asks(&scene.world, "ada", 0, &all).await;
    assert_eq!(known(&scene.world, "ada").await, [app("app.field", 10, "10.0")], "the other is iOS's");
    asks(&scene.world, "stranger", 0, &all).await;
    assert_eq!(scene.id("SELECT count(*) FROM device_checks", &[]).await, 1, "only devices that are enrolled");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn the_same_words_count_again_when_something_else_was_said_between() {
    let scene = Scene::new().await;
    scene.users(["ada"]).await;
    scene.application("app.field", 1).await;
    let is = async |version| {
        let known = known(&scene.world, "ada").await;
        known.len() == 1 && known[0].2 == version
    };
    asks(&scene.world, "ada", 0, &[("app.field", 10)]).await;
    says_all(&scene, "ada", &[installed("app.field", 9)]).await;
    assert!(is(9).await);
    asks(&scene.world, "ada", 1, &[("app.field", 10)]).await;
    assert!(is(10).await, "after a whole inventory");
}

#[tokio::test]
async fn the_same_words_count_again_after_a_check_of_a_client_program() {
    let scene = upgrades::Scene::new().await;
    scene.enrol("east", 1).await;
    let device = scene.device("east-1").await;
    asks(&scene.world, "east-1", 0, &[(upgrades::PACKAGE, 200)]).await;
    let client = scene.world.client().await;
    let remembered = async || -> bool {
        let sql = "SELECT digest <> decode(repeat('00', 32), 'hex') FROM device_checks WHERE device_id = $1";
        client.query_one(sql, &[&device.0]).await.unwrap().get(0)
    };
    let later = "UPDATE device_apps SET seen_at = seen_at - interval '1 h'";
    client.batch_execute(later).await.unwrap();
    assert!(device_apps::note(&client, scene.tenant, device, upgrades::PACKAGE, 200).await.unwrap());
    assert!(remembered().await, "that was no news");
    assert!(device_apps::note(&client, scene.tenant, device, upgrades::PACKAGE, 100).await.unwrap());
    assert!(!remembered().await);
    asks(&scene.world, "east-1", 1, &[(upgrades::PACKAGE, 200)]).await;
    assert_eq!(known(&scene.world, "east-1").await, [app(upgrades::PACKAGE, 200, "2.00")]);
    assert!(remembered().await);
}
