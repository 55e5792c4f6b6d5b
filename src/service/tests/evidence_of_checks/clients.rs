//! Distributions of client programs.

use drover_domain::JobId;
use drover_messages::ReportStatus;
use drover_service::{CancelMode, Reason, Recorded};

use crate::{
    asking::{a_minute_passes, app, asks, by_check, known, standing},
    upgrades::{PACKAGE, Scene, Sent, request, trace},
};

/// Version 200 on its way to so many devices of the east.
async fn distributed(devices: i32, proof_required: bool, retry_limit: i16) -> (Scene, JobId, Vec<Sent>) {
    let scene = Scene::new().await;
    scene.enrol("east", devices).await;
    scene.publish("root", &["root"]).await;
    let operator = scene.operator("root").await;
    let mut wish = request(&["east"]);
    (wish.targets[0].proof_required, wish.targets[0].retry_limit) = (proof_required, Some(retry_limit));
    let service = &scene.world.service;
    let job = service.distribute_version(&operator, scene.version, wish, trace()).await.unwrap()[0];
    let mut sent = scene.run().await;
    sent.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    (scene, job, sent)
}

#[tokio::test]
async fn a_check_proves_a_distribution_whether_it_asks_for_proof_or_not() {
    for proof_required in [false, true] {
        let (scene, job, sent) = distributed(3, proof_required, 1).await;
        let world = &scene.world;
        if proof_required {
            assert_eq!(scene.say(&sent[1], ReportStatus::Succeeded).await, Recorded::Applied);
        }
        for (sent, version) in sent.iter().zip([200, 200, 305]) {
            asks(world, &sent.uuid, 0, &[("com.example.other", 999), (PACKAGE, version)]).await;
            assert_eq!(
                standing(world, sent.command).await,
                ("succeeded".into(), 1, vec![by_check("succeeded", version)])
            );
        }
        assert_eq!(scene.states(job).await, [("succeeded".into(), 3)]);
        assert_eq!(known(world, &sent[0].uuid).await, [app(PACKAGE, 200, "2.00")]);
        assert_eq!(known(world, &sent[2].uuid).await, [app(PACKAGE, 305, "")], "nobody uploaded that");
        // The report comes after all.
        assert_eq!(scene.say(&sent[0], ReportStatus::Succeeded).await, Recorded::Kept(Reason::Duplicate));
        asks(world, &sent[0].uuid, 1, &[(PACKAGE, 100)]).await;
        assert_eq!(standing(world, sent[0].command).await.0, "succeeded", "what has ended has ended");
        assert_eq!(known(world, &sent[0].uuid).await, [app(PACKAGE, 100, "")]);
        world.assert_clean().await;
    }
}

#[tokio::test]
async fn a_success_is_disproven_once_it_is_a_minute_old() {
    let (scene, _, sent) = distributed(1, true, 1).await;
    let (world, sent) = (&scene.world, &sent[0]);
    let stands = async || {
        let (state, attempt, _) = standing(world, sent.command).await;
        (state, attempt)
    };
    asks(world, &sent.uuid, 0, &[(PACKAGE, 199)]).await;
    a_minute_passes(world).await;
    asks(world, &sent.uuid, 10, &[(PACKAGE, 199)]).await;
    assert_eq!(stands().await, ("sent".into(), 1), "it has not said that it is done");
    assert_eq!(scene.say(sent, ReportStatus::Succeeded).await, Recorded::Applied);
    asks(world, &sent.uuid, 20, &[(PACKAGE, 199)]).await;
    assert_eq!(stands().await, ("verifying".into(), 1), "it may be starting again");
    a_minute_passes(world).await;
    asks(world, &sent.uuid, 30, &[("com.example.other", 199)]).await;
    asks(world, &sent.uuid, 31, &[]).await;
    assert_eq!(stands().await, ("verifying".into(), 1), "what is not named says nothing");
    asks(world, &sent.uuid, 40, &[(PACKAGE, 199)]).await;
    let failed = by_check("failed", 199);
    assert_eq!(standing(world, sent.command).await, ("queued".into(), 2, vec![failed.clone()]), "it is tried again");
    world.assert_clean().await;

    asks(world, &sent.uuid, 50, &[(PACKAGE, 199)]).await;
    assert_eq!(stands().await, ("queued".into(), 2), "the next attempt is another matter");
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    let again = scene.run().await;
    assert_eq!(again, [Sent { attempt: 2, ..sent.clone() }]);
    assert_eq!(scene.say(&again[0], ReportStatus::Succeeded).await, Recorded::Applied);
    a_minute_passes(world).await;
    asks(world, &sent.uuid, 60, &[(PACKAGE, 0)]).await;
    let ended = vec![failed, by_check("failed", 0)];
    assert_eq!(standing(world, sent.command).await, ("failed".into(), 2, ended), "no try is left");
    world.assert_clean().await;
}

#[tokio::test]
async fn the_checks_for_upgrades_disprove_too() {
    let (scene, _, sent) = distributed(1, true, 0).await;
    let device = scene.device(&sent[0].uuid).await;
    scene.say(&sent[0], ReportStatus::Succeeded).await;
    a_minute_passes(&scene.world).await;
    let service = &scene.world.service;
    assert_eq!(service.judge_check_in(device, "com.example.other", 1).await.unwrap(), 0);
    assert_eq!(service.judge_check_in(device, PACKAGE, 199).await.unwrap(), 1);
    assert_eq!(standing(&scene.world, sent[0].command).await, ("failed".into(), 1, vec![by_check("failed", 199)]));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_check_from_before_a_success_says_nothing_against_it() {
    let (scene, _, sent) = distributed(1, true, 1).await;
    let (world, sent) = (&scene.world, &sent[0]);
    let sql = "SELECT extract(epoch FROM now())::bigint - 1800000000";
    let now_s: i64 = world.client().await.query_one(sql, &[]).await.unwrap().get(0);
    asks(world, &sent.uuid, now_s - 300, &[(PACKAGE, 199)]).await;
    assert_eq!(scene.say(sent, ReportStatus::Succeeded).await, Recorded::Applied);
    a_minute_passes(world).await;
    a_minute_passes(world).await;
    // The same call once more, by way of another process or of who copied it; and one that was late.
    for said_at_s in [now_s - 300, now_s - 130] {
        asks(world, &sent.uuid, said_at_s, &[(PACKAGE, 199)]).await;
        assert_eq!(standing(world, sent.command).await, ("verifying".into(), 1, vec![]));
    }
    asks(world, &sent.uuid, now_s - 30, &[(PACKAGE, 199)]).await;
    assert_eq!(standing(world, sent.command).await.2, [by_check("failed", 199)], "said a minute after the success");
    world.assert_clean().await;
}

#[tokio::test]
async fn one_terminal_of_several_that_hang_on_a_device_says_nothing_against_the_others() {
    let (scene, _, sent) = distributed(1, true, 0).await;
    let device = scene.device(&sent[0].uuid).await;
    scene.world.client().await.batch_execute("UPDATE client_groups SET terminal_class = '1'").await.unwrap();
    scene.say(&sent[0], ReportStatus::Succeeded).await;
    a_minute_passes(&scene.world).await;
    let service = &scene.world.service;
    assert_eq!(service.judge_check_in(device, PACKAGE, 199).await.unwrap(), 0);
    assert_eq!(service.judge_check_in(device, PACKAGE, 200).await.unwrap(), 1);
    assert_eq!(standing(&scene.world, sent[0].command).await.0, "succeeded");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn an_older_check_says_nothing_after_a_newer_one() {
    let (scene, _, sent) = distributed(1, true, 1).await;
    let (world, sent) = (&scene.world, &sent[0]);
    asks(world, &sent.uuid, 10, &[(PACKAGE, 199)]).await;
    asks(world, &sent.uuid, 5, &[(PACKAGE, 200)]).await;
    assert_eq!(standing(world, sent.command).await.0, "sent");
    assert_eq!(known(world, &sent.uuid).await, [app(PACKAGE, 199, "")]);
    // Nor does it against a success.
    scene.say(sent, ReportStatus::Succeeded).await;
    a_minute_passes(world).await;
    asks(world, &sent.uuid, 9, &[(PACKAGE, 198)]).await;
    assert_eq!(standing(world, sent.command).await.0, "verifying");
    asks(world, &sent.uuid, 10, &[(PACKAGE, 200)]).await;
    assert_eq!(standing(world, sent.command).await.0, "succeeded", "of the same second the last word counts");
    world.assert_clean().await;
}

#[tokio::test]
async fn what_was_replaced_or_stopped_stays_so() {
    let (mut scene, older, _) = distributed(2, false, 1).await;
    scene.version = scene.add_version(300).await;
    scene.publish("root", &["root"]).await;
    let newer = scene.distribute("root", "east").await;
    let mut sent = scene.run().await;
    sent.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    let stopped = drover_domain::CommandId::from_i64(sent[1].command).unwrap();
    scene.world.service.cancel_each(&[stopped], CancelMode::Force, "me").await.unwrap();
    a_minute_passes(&scene.world).await;
    for version in [200, 300] {
        asks(&scene.world, &sent[0].uuid, version, &[(PACKAGE, version)]).await;
        asks(&scene.world, &sent[1].uuid, version, &[(PACKAGE, version)]).await;
        assert_eq!(scene.states(older).await, [("superseded".into(), 2)]);
        let end = if version == 200 { "sent" } else { "succeeded" };
        assert_eq!(scene.states(newer).await, [("cancelled".into(), 1), (end.into(), 1)]);
    }
    scene.world.assert_clean().await;
}
