//! What devices say that they have.

use drover_domain::DeviceId;
use drover_messages::DeviceInventory;
use drover_service::ServiceError;

use super::scene::{INSTALLED, Push, Scene, app};

async fn scene() -> (Scene, DeviceId) {
    let scene = Scene::new().await;
    let user = scene.user("ada", 1).await;
    let device = scene.device("d1", user).await;
    scene.forget_reviews().await;
    (scene, device)
}

async fn known(scene: &Scene, device: DeviceId) -> Vec<(String, String, i64, String)> {
    let sql = "SELECT package_name, name, version_code, version_name FROM device_apps WHERE device_id = $1 ORDER BY 1";
    let rows = scene.client().await.query(sql, &[&device.0]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn row(package: &str, number: i64, name: &str) -> (String, String, i64, String) {
    (package.into(), format!("App {package}"), number, name.into())
}

/// Rows' transactions: a row that was written anew has another.
async fn written(scene: &Scene) -> Vec<String> {
    let sql = "SELECT xmin::text || ' ' || xmax::text FROM device_apps UNION ALL SELECT xmin::text || ' ' || xmax::text FROM device_inventories
        UNION ALL SELECT xmin::text || ' ' || xmax::text FROM app_installs ORDER BY 1";
    scene.client().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_list_takes_the_place_of_the_one_before() {
    let (scene, device) = scene().await;
    scene.says(device, &[app("b", Some(2), Some("2.0")), app("a", None, Some("1.5")), app("c", None, None)]).await;
    assert_eq!(known(&scene, device).await, [row("a", 0, "1.5"), row("b", 2, "2.0"), row("c", 0, "")]);
    let before = written(&scene).await;
    scene.says(device, &[app("c", None, None), app("a", None, Some("1.5")), app("b", Some(2), Some("2.0"))]).await;
    assert_eq!(written(&scene).await, before, "what is known is not written again");
    scene.says(device, &[app("b", Some(3), Some("3.0")), app("d", Some(1), None)]).await;
    assert_eq!(known(&scene, device).await, [row("b", 3, "3.0"), row("d", 1, "")]);
    scene.says(device, &[]).await;
    assert_eq!(known(&scene, device).await, []);
    let sql = "SELECT os_version FROM device_inventories WHERE device_id = $1";
    let said = |os_version: Option<&str>| DeviceInventory { os_version: os_version.map(Into::into), apps: vec![] };
    for (says, expected) in [(None, "13"), (Some("14"), "14"), (None, "14")] {
        scene.inner.service.record_inventory(device, said(says)).await.unwrap();
        let os_version: String = scene.client().await.query_one(sql, &[&device.0]).await.unwrap().get(0);
        assert_eq!(os_version, expected);
    }
}

#[tokio::test]
async fn half_of_a_version_says_nothing_against_the_other_half() {
    let (scene, device) = scene().await;
    // As the check for client upgrades writes it.
    scene.client().await.execute("INSERT INTO device_apps (device_id, package_name, version_code, version_name) VALUES ($1, 'client', 7, '1.7')", &[&device.0]).await.unwrap();
    scene.says(device, &[app("client", None, Some("1.7"))]).await;
    assert_eq!(known(&scene, device).await, [row("client", 7, "1.7")]);
    scene.says(device, &[app("client", Some(7), None)]).await;
    assert_eq!(known(&scene, device).await, [row("client", 7, "1.7")]);
    scene.says(device, &[app("client", None, Some("1.8"))]).await;
    assert_eq!(known(&scene, device).await, [row("client", 0, "1.8")], "the number is that of another version");
    scene.says(device, &[app("client", Some(9), None)]).await;
    assert_eq!(known(&scene, device).await, [row("client", 9, "")]);
}

#[tokio::test]
async fn a_package_that_comes_twice_is_refused() {
    let (scene, device) = scene().await;
    let apps = vec![app("a", None, None), app("b", None, None), app("a", Some(1), None)];
    let error =
        scene.inner.service.record_inventory(device, DeviceInventory { os_version: None, apps }).await.unwrap_err();
    assert!(matches!(error, ServiceError::Invalid { field: "apps", .. }), "{error}");
    assert!(error.to_string().contains("[2]"), "{error}");
    assert_eq!(known(&scene, device).await, []);
}

#[tokio::test]
async fn what_was_pushed_follows_what_the_device_says() {
    let (scene, device) = scene().await;
    let application = scene.application("a", 5).await;
    scene.push(application, device, INSTALLED).await;
    scene.assert_counted().await;
    scene.says(device, &[app("a", Some(5), Some("5.0"))]).await;
    assert_eq!(scene.install(application, device).await, (true, 5, "5.0".into(), false));
    scene.says(device, &[app("a", None, None)]).await;
    assert_eq!(scene.install(application, device).await, (true, 5, "5.0".into(), false), "it did not say otherwise");
    scene.says(device, &[app("a", Some(4), Some("4.0"))]).await;
    assert_eq!(scene.install(application, device).await, (true, 4, "4.0".into(), false));
    assert_eq!(scene.reviews().await, [0_i64; 0]);

    scene.says(device, &[app("other", None, None)]).await;
    assert_eq!(scene.install(application, device).await, (false, 0, String::new(), true));
    assert_eq!(scene.reviews().await, [device.0], "somebody removed it");
    scene.assert_counted().await;
    scene.forget_reviews().await;
    let before = written(&scene).await;
    scene.says(device, &[app("other", None, None)]).await;
    assert_eq!((scene.reviews().await, written(&scene).await), (vec![], before), "that is known");
    scene.says(device, &[app("a", Some(5), Some("5.0"))]).await;
    assert_eq!(scene.install(application, device).await, (true, 5, "5.0".into(), false), "it is back");
    scene.assert_counted().await;
}

#[tokio::test]
async fn what_was_taken_back_is_not_removed_by_the_user() {
    let (scene, device) = scene().await;
    let application = scene.application("a", 5).await;
    scene.push(application, device, INSTALLED).await;
    let uninstall = Push { action: "uninstall", is_required: true, command: Some(("sent", "queued")) };
    scene.push(application, device, uninstall).await;
    scene.says(device, &[]).await;
    assert_eq!(scene.install(application, device).await, (false, 0, String::new(), false));
    assert_eq!(scene.reviews().await, [0_i64; 0]);
    scene.assert_counted().await;
}

#[tokio::test]
async fn an_application_of_the_store_is_not_missed() {
    let (scene, device) = scene().await;
    let application = scene.application("id123", 0).await;
    let sql = "UPDATE applications SET itunes_store_id = 123 WHERE id = $1";
    scene.client().await.execute(sql, &[&application]).await.unwrap();
    scene.push(application, device, INSTALLED).await;
    scene.says(device, &[app("com.acme.store", None, Some("1.0"))]).await;
    let (is_installed, _, _, is_removed) = scene.install(application, device).await;
    assert!(is_installed && !is_removed, "its name on the device is not known");
    assert_eq!(scene.reviews().await, [0_i64; 0]);
}
