//! What must not be removed comes back.

use crate::{
    scene::{Scene, users, wish},
    staged::{PACKAGE, is, review, says, settle},
};

#[tokio::test]
async fn an_essential_application_that_is_gone_comes_back_once() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let application = scene.application(PACKAGE, 1).await;
    let mut essential = wish();
    essential.is_essential = true;
    scene.push(application, users(&[ada]), essential).await;
    scene.push(application, users(&[bob]), wish()).await;
    settle(&scene).await;
    for uuid in ["ada", "bob"] {
        says(&scene, uuid, &[PACKAGE]).await;
    }
    assert_eq!(settle(&scene).await, []);
    for uuid in ["ada", "bob"] {
        says(&scene, uuid, &["something.else"]).await;
    }
    assert_eq!(scene.counts(application).await, (2, 0));
    assert_eq!(settle(&scene).await, is("ada", "install"), "and bob was free to remove it");
    assert_eq!(scene.counts(application).await, (2, 1));
    let removed = "SELECT count(*) FROM app_installs WHERE removed_at IS NOT NULL";
    assert_eq!(scene.id(removed, &[]).await, 1, "bob's");
    says(&scene, "ada", &[PACKAGE, "something.else"]).await;
    assert_eq!(review(&scene).await, 0);
    says(&scene, "ada", &["something.else"]).await;
    assert_eq!(settle(&scene).await, [], "what keeps going is not brought again at once");
    let waits = "SELECT count(*) FROM device_reviews WHERE created_at > now() + interval '9 minutes'";
    assert_eq!(scene.id(waits, &[]).await, 1);
    scene.execute("UPDATE jobs SET created_at = created_at - interval '10 minutes'", &[]).await;
    scene.execute("UPDATE device_reviews SET created_at = now()", &[]).await;
    assert_eq!(settle(&scene).await, is("ada", "install"), "whenever it is removed");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn what_was_taken_back_does_not_come_back() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let application = scene.application(PACKAGE, 1).await;
    let mut essential = wish();
    essential.is_essential = true;
    let id = scene.group("sales", &[ada]).await;
    scene.push(application, crate::scene::groups(&[id]), essential).await;
    settle(&scene).await;
    scene.take_back(application, users(&[ada])).await;
    assert_eq!(settle(&scene).await, is("ada", "uninstall"));
    says(&scene, "ada", &[]).await;
    scene.execute("INSERT INTO device_reviews (device_id) SELECT id FROM devices", &[]).await;
    assert_eq!(settle(&scene).await, []);
    scene.world.assert_clean().await;
}
