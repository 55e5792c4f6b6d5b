//! Pushes of applications.

use drover_domain::{ApplicationId, CommandId};
use drover_messages::ReportStatus;
use drover_service::{CancelMode, Recorded};

use crate::{
    asking::{a_minute_passes, asks, by_check, standing},
    scene::{Scene, Sent, users, wish},
};

const PACKAGE: &str = "com.acme.field";

/// Release 10 of an application on its way to these users' devices.
async fn pushed<const N: usize>(accounts: [&str; N]) -> (Scene, ApplicationId, Vec<Sent>) {
    let scene = Scene::new().await;
    let ids = scene.users(accounts).await;
    let application = scene.application(PACKAGE, 1).await;
    scene.push(application, users(&ids), wish()).await;
    let sent = scene.run().await;
    assert_eq!(sent.len(), N);
    (scene, application, sent)
}

async fn asks_for_proof(scene: &Scene) {
    scene.execute("UPDATE jobs SET proof_required = true WHERE kind = 'push'", &[]).await;
}

fn has(uuid: &str, version: &str) -> (String, String) {
    (uuid.into(), version.into())
}

#[tokio::test]
async fn a_check_proves_an_install_wherever_it_stands() {
    let states = ["a-sent", "b-downloading", "c-downloaded", "d-installing", "e-verifying", "f-cancelling", "g-newer"];
    let (scene, application, sent) = pushed(states).await;
    let world = &scene.world;
    asks_for_proof(&scene).await;
    let says = [
        (1, ReportStatus::Downloading),
        (2, ReportStatus::Downloaded),
        (3, ReportStatus::Installing),
        (4, ReportStatus::Succeeded),
    ];
    for (index, status) in says {
        assert_eq!(scene.say(&sent[index], status).await, Recorded::Applied);
    }
    world.service.cancel_each(&[sent[5].id], CancelMode::Soft, "me").await.unwrap();
    for (uuid, sent) in states.iter().zip(&sent).take(6) {
        assert_eq!(standing(world, sent.id.to_i64()).await.0, uuid[2..], "the case is what it is called");
        asks(world, uuid, 0, &[("android", 33), (PACKAGE, 9)]).await;
        assert_eq!(standing(world, sent.id.to_i64()).await.0, uuid[2..], "an older version proves nothing");
        asks(world, uuid, 1, &[("android", 33), (PACKAGE, 10)]).await;
        let proven = ("succeeded".into(), 1, vec![by_check("succeeded", 10)]);
        assert_eq!(standing(world, sent.id.to_i64()).await, proven);
    }
    asks(world, "g-newer", 0, &[(PACKAGE, 12)]).await;
    assert_eq!(standing(world, sent[6].id.to_i64()).await.0, "succeeded");
    let mut expected: Vec<_> = states.iter().take(6).map(|uuid| has(uuid, "10.0")).collect();
    expected.push(has("g-newer", ""));
    assert_eq!(scene.installed(application).await, expected.into_iter().collect());
    let number =
        "SELECT installed_number FROM app_installs i JOIN devices d ON d.id = i.device_id WHERE uuid = 'g-newer'";
    assert_eq!(scene.id(number, &[]).await, 12, "what it has, not what it was brought");
    assert_eq!(scene.counts(application).await, (7, 7));
    world.assert_clean().await;
}

#[tokio::test]
async fn what_no_dispatcher_has_noted_as_sent_is_proven_and_what_is_planned_is_not_its_to_know_of() {
    let scene = Scene::new().await;
    let ids = scene.users(["ada", "bob"]).await;
    let application = scene.application(PACKAGE, 1).await;
    scene.push(application, users(&ids), wish()).await;
    scene.plan_only().await;
    let job = scene.id("SELECT max(id) FROM jobs", &[]).await;
    let command = |device: i64| CommandId { job: drover_domain::JobId(job), device: drover_domain::DeviceId(device) };
    let ada = command(scene.id("SELECT id FROM devices WHERE uuid = 'ada'", &[]).await).to_i64();
    assert_eq!(standing(&scene.world, ada).await.0, "queued");
    asks(&scene.world, "ada", 0, &[(PACKAGE, 10)]).await;
    assert_eq!(standing(&scene.world, ada).await.0, "succeeded");
    assert_eq!(scene.counts(application).await, (2, 1));
    scene.world.assert_clean().await;
    let bob = command(scene.id("SELECT id FROM devices WHERE uuid = 'bob'", &[]).await);
    let sql = "UPDATE commands SET state = 'planned', deadline_at = NULL WHERE job_id = $1 AND device_id = $2";
    scene.execute(sql, &[&bob.job.0, &bob.device.0]).await;
    asks(&scene.world, "bob", 0, &[(PACKAGE, 10)]).await;
    assert_eq!(standing(&scene.world, bob.to_i64()).await.0, "planned");
}

#[tokio::test]
async fn only_what_can_be_compared_is_proof() {
    let (scene, application, sent) = pushed(["ada", "bob", "cid"]).await;
    let world = &scene.world;
    scene.change_device("ada", "os = 51202").await;
    asks(world, "ada", 0, &[(PACKAGE, 10)]).await;
    assert_eq!(standing(world, sent[0].id.to_i64()).await.0, "sent", "that is another system's package");
    scene.execute("UPDATE app_releases SET version_number = 0", &[]).await;
    asks(world, "bob", 0, &[(PACKAGE, 10)]).await;
    assert_eq!(standing(world, sent[1].id.to_i64()).await.0, "sent", "the release has no number");
    scene.execute("UPDATE app_releases SET version_number = 10", &[]).await;
    asks(world, "cid", 0, &[("com.acme.fiel", 10), ("com.acme.field2", 10)]).await;
    assert_eq!(standing(world, sent[2].id.to_i64()).await.0, "sent", "not its package");
    assert_eq!(scene.counts(application).await, (3, 1), "bob has some version of it");
    world.assert_clean().await;
}

#[tokio::test]
async fn an_install_is_disproven_as_an_upgrade_is() {
    let (scene, application, sent) = pushed(["ada"]).await;
    let (world, command) = (&scene.world, sent[0].id.to_i64());
    asks_for_proof(&scene).await;
    assert_eq!(scene.say(&sent[0], ReportStatus::Succeeded).await, Recorded::Applied);
    asks(world, "ada", 0, &[(PACKAGE, 9)]).await;
    assert_eq!(standing(world, command).await.0, "verifying");
    a_minute_passes(world).await;
    asks(world, "ada", 1, &[(PACKAGE, 9)]).await;
    let (state, attempt, ended) = standing(world, command).await;
    assert_eq!(ended, [by_check("failed", 9)]);
    assert!(attempt == 2 && state == "queued" || attempt == 1 && state == "failed", "{state} {attempt}");
    assert_eq!(scene.installed(application).await, [has("ada", "")].into());
    world.assert_clean().await;
}

#[tokio::test]
async fn a_removal_and_what_it_replaced_are_left_alone() {
    let (scene, application, sent) = pushed(["ada"]).await;
    let world = &scene.world;
    let ada = scene.id("SELECT user_id FROM devices WHERE uuid = 'ada'", &[]).await;
    scene.take_back(application, users(&[ada])).await;
    let removal = scene.run().await;
    assert_eq!(removal[0].what(), "uninstall");
    asks(world, "ada", 0, &[(PACKAGE, 10)]).await;
    assert_eq!(standing(world, sent[0].id.to_i64()).await.0, "superseded");
    assert_eq!(standing(world, removal[0].id.to_i64()).await.0, "sent", "it has not got to it yet");
    assert_eq!(scene.installed(application).await, [has("ada", "10.0")].into());
    scene.obey(&removal).await;
    assert_eq!(scene.counts(application).await, (1, 0));
    world.assert_clean().await;
}
