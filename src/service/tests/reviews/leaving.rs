//! Who leaves is relieved of what goes with it, and sent nothing more.

use drover_domain::ApplicationId;
use drover_messages::{DeviceCommand, ReportStatus};
use drover_service::{DeviceLogin, Targets};

use crate::{
    scene::{ROOT, Scene, groups, labels, told, users, wish},
    staged::{PACKAGE, device, is, join, leave, review, reviewed, settle},
};

/// Like `pushed`, to be removed when a device leaves.
async fn lent(scene: &Scene, targets: Targets) -> ApplicationId {
    let application = scene.application(PACKAGE, 1).await;
    let mut lent = wish();
    lent.removes_on_exit = true;
    scene.push(application, targets, lent).await;
    settle(scene).await;
    application
}

#[tokio::test]
async fn what_is_lent_is_taken_back_and_given_again() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[ada, bob]).await;
    let application = lent(&scene, groups(&[id])).await;
    assert_eq!(scene.counts(application).await, (2, 2));
    leave(&scene, "group", id, bob).await;
    assert_eq!(settle(&scene).await, is("bob", "uninstall"));
    assert_eq!(scene.counts(application).await.1, 1);
    join(&scene, "group", id, bob).await;
    assert_eq!(settle(&scene).await, is("bob", "install"), "it is back in the group");
    scene.execute("DELETE FROM user_groups WHERE id = $1", &[&id]).await;
    let mut taken = settle(&scene).await;
    taken.sort();
    assert_eq!(taken, [("ada".to_owned(), "uninstall"), ("bob".to_owned(), "uninstall")]);
    assert_eq!(scene.counts(application).await.1, 0);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_is_back_before_it_was_removed_keeps_it() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let id = scene.group("sales", &[ada]).await;
    let application = lent(&scene, groups(&[id])).await;
    leave(&scene, "group", id, ada).await;
    let sent = reviewed(&scene).await;
    assert_eq!(told(&sent), [("ada", "uninstall")]);
    join(&scene, "group", id, ada).await;
    assert_eq!(settle(&scene).await, is("ada", "install"));
    assert_eq!(scene.states(sent[0].id.job).await, [("superseded".to_owned(), 1)]);
    assert_eq!(scene.counts(application).await, (1, 1));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn what_another_assignment_brings_stays() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let (group, label) = (scene.group("sales", &[ada]).await, scene.label("red", &[ada]).await);
    let application = lent(&scene, groups(&[group])).await;
    let mut on_demand = wish();
    on_demand.is_required = false;
    scene.push(application, labels(&[label]), on_demand).await;
    settle(&scene).await;
    leave(&scene, "group", group, ada).await;
    assert_eq!(settle(&scene).await, []);
    leave(&scene, "label", label, ada).await;
    assert_eq!(settle(&scene).await, is("ada", "uninstall"));
}

#[tokio::test]
async fn what_has_not_gone_out_is_stopped() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let id = scene.group("sales", &[ada]).await;
    let application = scene.application(PACKAGE, 1).await;
    let job = scene.push(application, groups(&[id]), wish()).await;
    scene.plan_only().await;
    assert_eq!(scene.states(job).await, [("queued".to_owned(), 1)]);
    leave(&scene, "group", id, ada).await;
    review(&scene).await;
    assert_eq!(scene.states(job).await, [("cancelled".to_owned(), 1)]);
    join(&scene, "group", id, ada).await;
    assert_eq!(settle(&scene).await, is("ada", "install"), "who comes back is given it");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn an_explicit_uninstall_wins_over_reviews() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let (group, label) = (scene.group("sales", &[ada]).await, scene.label("red", &[]).await);
    let application = lent(&scene, groups(&[group])).await;
    scene.take_back(application, users(&[ada])).await;
    assert_eq!(settle(&scene).await, is("ada", "uninstall"));
    join(&scene, "label", label, ada).await;
    assert!(review(&scene).await > 0);
    assert_eq!(reviewed(&scene).await, []);
    scene.push(application, users(&[ada]), wish()).await;
    assert_eq!(settle(&scene).await, is("ada", "install"), "until the next push");
}

const TOKEN: &str = "the device's own";

async fn is_let_in(scene: &Scene, uuid: &str) -> bool {
    matches!(scene.world.service.authenticate_device(uuid, TOKEN).await.unwrap(), DeviceLogin::Accepted(_))
}

async fn with_token(scene: &Scene, uuid: &str) {
    let sql = "INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
        SELECT tenant_id, 'device', uuid, id, sha256($2::text::bytea) FROM devices WHERE uuid = $1";
    scene.execute(sql, &[&uuid, &TOKEN]).await;
}

async fn end_leaving(scene: &Scene) {
    assert_eq!(scene.world.service.end_leaving(0).await.unwrap(), None);
}

/// What is believed of tokens is forgotten at once.
async fn forgetful() -> Scene {
    let options = drover_service::ServiceOptions {
        plan_chunk: 10,
        auth_cache: std::time::Duration::ZERO,
        ..drover_service::ServiceOptions::default()
    };
    Scene::of(crate::support::World::with(options).await).await
}

#[tokio::test]
async fn a_device_that_is_deregistered_may_still_be_told_what_to_remove() {
    let scene = forgetful().await;
    let [ada] = scene.users(["ada"]).await;
    let application = lent(&scene, users(&[ada])).await;
    with_token(&scene, "ada").await;
    let admin = scene.operator(ROOT).await;
    for _ in 0..2 {
        scene.world.service.deregister_device(&admin, "ada").await.unwrap();
        assert!(is_let_in(&scene, "ada").await);
    }
    end_leaving(&scene).await;
    assert!(is_let_in(&scene, "ada").await, "it was not told yet");
    let sent = reviewed(&scene).await;
    assert_eq!(told(&sent), [("ada", "uninstall")]);
    end_leaving(&scene).await;
    assert!(is_let_in(&scene, "ada").await, "it has not done it yet");
    scene.obey(&sent).await;
    end_leaving(&scene).await;
    assert!(!is_let_in(&scene, "ada").await);
    assert_eq!(scene.world.service.waiting_cut_offs().await.unwrap(), 1, "its connections are to end");
    assert_eq!(scene.counts(application).await.1, 0);
    scene.world.assert_clean().await;
}

/// What was on its way is not brought to it, before it is reviewed and after.
#[tokio::test]
async fn a_device_that_is_leaving_is_told_nothing_but_what_to_remove() {
    let scene = forgetful().await;
    let [ada] = scene.users(["ada"]).await;
    lent(&scene, users(&[ada])).await;
    let others = [scene.application("com.a", 1).await, scene.application("com.b", 1).await];
    scene.push(others[0], users(&[ada]), wish()).await;
    let begun = scene.run().await;
    let waiting = scene.push(others[1], users(&[ada]), wish()).await;
    scene.world.take_outbox().await;
    scene.world.service.plan_job(waiting, 2).await.unwrap();
    let admin = scene.operator(ROOT).await;
    scene.world.service.deregister_device(&admin, "ada").await.unwrap();
    let device = device(&scene, "ada").await;
    assert_eq!(scene.world.service.open_commands(device).await.unwrap(), []);
    assert_eq!(told(&scene.run().await), [], "it was planned for before");
    review(&scene).await;
    scene.plan_only().await;
    let open = scene.world.service.open_commands(device).await.unwrap();
    let stopped = DeviceCommand::Cancel { v: 1, command_id: begun[0].id.to_i64(), attempt: 1 };
    let [first, DeviceCommand::UninstallApplication { package_name, .. }] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!((first, package_name.as_str()), (&stopped, PACKAGE));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_device_that_does_not_come_is_locked_out_in_the_end() {
    let scene = forgetful().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    lent(&scene, users(&[ada, bob])).await;
    let admin = scene.operator(ROOT).await;
    for uuid in ["ada", "bob"] {
        with_token(&scene, uuid).await;
        scene.world.service.deregister_device(&admin, uuid).await.unwrap();
    }
    let sent = reviewed(&scene).await;
    let failed = sent.iter().find(|sent| sent.uuid == "bob").unwrap();
    scene.say(failed, ReportStatus::Refused).await;
    scene.change_device("ada", "leaving_until = now()").await;
    assert!(!is_let_in(&scene, "ada").await && is_let_in(&scene, "bob").await);
    end_leaving(&scene).await;
    assert!(!is_let_in(&scene, "bob").await, "it has said that it will not");
    let left = "SELECT count(*) FROM devices WHERE leaving_until IS NOT NULL";
    assert_eq!(scene.id(left, &[]).await, 0);
}

#[tokio::test]
async fn a_device_without_anything_lent_leaves_at_once_and_one_that_comes_back_stays() {
    let scene = forgetful().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    lent(&scene, users(&[ada])).await;
    let admin = scene.operator(ROOT).await;
    for uuid in ["ada", "bob"] {
        with_token(&scene, uuid).await;
        scene.world.service.deregister_device(&admin, uuid).await.unwrap();
    }
    assert!(is_let_in(&scene, "ada").await && !is_let_in(&scene, "bob").await);
    assert!(bob > 0);
    let known = scene.world.service.managed_device(&admin, "ada").await.unwrap();
    let again = drover_service::NewManagedDevice {
        uuid: "ada".into(),
        name: "ada".into(),
        organisation: Some("east".into()),
        user: Some("ada".into()),
        product: None,
        os: known.values.os,
        device_type: known.values.device_type,
        relationship: known.values.relationship,
        device_number: None,
        imei: String::new(),
        sn: String::new(),
        channel: "simulated".into(),
    };
    scene.world.service.enrol_device(&admin, &again).await.unwrap();
    assert_eq!(settle(&scene).await, [], "it has what it must have, and keeps it");
    end_leaving(&scene).await;
    assert!(is_let_in(&scene, "ada").await);
}
