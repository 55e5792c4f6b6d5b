//! An application is removed: from every device it was pushed to, and then altogether.

use drover_messages::ReportStatus;
use drover_service::{ApplicationRefusal as R, ServiceError, Wish};

use crate::scene::{ROOT, Scene, told, users, uuids, wish};

async fn is_there(scene: &Scene, id: drover_domain::ApplicationId) -> bool {
    scene.id("SELECT count(*) FROM applications WHERE id = $1 AND deleted_at IS NULL", &[&id.0]).await == 1
}

async fn finish(scene: &Scene) -> usize {
    scene.world.service.finish_jobs().await.unwrap();
    scene.world.service.finish_removals().await.unwrap()
}

fn code(result: Result<(), ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Application(R::BeingRemoved(_))) => "712",
        Err(ServiceError::Application(R::NoSuchApplication(_))) => "711",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_that_was_never_pushed_is_gone_at_once() {
    let scene = Scene::new().await;
    let app = scene.application("com.a", 1).await;
    scene.execute("INSERT INTO app_categories (id, tenant_id, organisation_id, name) OVERRIDING SYSTEM VALUE VALUES (7, $1, 901, 'tools')", &[&scene.tenant.0]).await;
    scene.execute("INSERT INTO app_category_members VALUES (7, $1)", &[&app.0]).await;
    scene.remove(app).await.unwrap();
    assert!(!is_there(&scene, app).await);
    assert_eq!(scene.id("SELECT count(*) FROM app_releases WHERE file_id IS NOT NULL", &[]).await, 0);
    assert_eq!(scene.id("SELECT count(*) FROM app_category_members", &[]).await, 0);
    assert_eq!(code(scene.remove(app).await), "711");
}

#[tokio::test]
async fn it_stays_until_its_devices_were_told() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann", "ben", "cid", "dan"]).await;
    let app = scene.application("com.a", 1).await;
    let installing = scene.push(app, users(&ids[..3]), wish()).await;
    let sent = scene.run().await;
    scene.obey(&sent[..1]).await;
    scene.say(&sent[1], ReportStatus::Failed).await;
    let offered = scene.push(app, users(&ids[3..]), Wish { is_required: false, ..wish() }).await;
    scene.remove(app).await.unwrap();
    assert_eq!(code(scene.remove(app).await), "712");
    assert_eq!(code(scene.try_push(ROOT, app, users(&ids), wish()).await), "712");
    let removals = scene.run().await;
    assert_eq!(told(&removals), ["ann", "ben", "cid"].map(|uuid| (uuid, "uninstall")), "dan was offered nothing yet");
    assert_eq!(
        (scene.job_state(installing).await, scene.job_state(offered).await),
        ("cancelled".into(), "cancelled".into())
    );
    assert_eq!(finish(&scene).await, 0, "the devices have not answered");
    assert!(is_there(&scene, app).await);
    scene.world.assert_clean().await;
    scene.obey(&removals[..2]).await;
    scene.say(&removals[2], ReportStatus::Refused).await;
    assert_eq!(scene.counts(app).await, (3, 0));
    assert_eq!(finish(&scene).await, 1, "the last of them has said no, and will not be told again");
    assert!(!is_there(&scene, app).await);
    let left = "SELECT (SELECT count(*) FROM app_installs) + (SELECT count(*) FROM app_tallies)
        + (SELECT count(*) FROM app_releases WHERE file_id IS NOT NULL) + (SELECT count(*) FROM assignments WHERE ended_at IS NULL)";
    assert_eq!(scene.id(left, &[]).await, 0);
    assert_eq!(finish(&scene).await, 0);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_was_only_to_be_given_it_is_not_given_it() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    let job = scene.push(app, users(&ids), wish()).await;
    // The planner comes after the removal.
    scene.remove(app).await.unwrap();
    assert_eq!(uuids(&scene.run().await), [""; 0]);
    assert_eq!((scene.job_state(job).await, scene.states(job).await), ("cancelled".into(), vec![]));
    assert_eq!(finish(&scene).await, 1);
    assert!(!is_there(&scene, app).await);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_device_that_is_leaving_is_told_and_one_that_left_is_not() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann", "ben"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&ids), wish()).await;
    let sent = scene.run().await;
    scene.obey(&sent).await;
    scene.change_device("ann", "status = 'deregistered', leaving_until = now() + interval '1 day'").await;
    scene.change_device("ben", "status = 'deregistered'").await;
    scene.remove(app).await.unwrap();
    assert_eq!(told(&scene.run().await), [("ann", "uninstall")]);
}
