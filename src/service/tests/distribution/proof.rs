//! A check-in proves an upgrade.

use drover_messages::{DeviceReport, ReportStatus};
use drover_service::{Reason, Recorded};

use crate::{
    scene::{PACKAGE, Scene, Sent, request, trace},
    support::report,
};

#[tokio::test]
async fn a_check_in_closes_a_command_whose_report_was_lost() {
    let scene = Scene::new().await;
    scene.enrol("east", 3).await;
    scene.publish("root", &["root"]).await;
    let job = scene.distribute("root", "east").await;
    let sent = scene.run().await;
    let service = &scene.world.service;
    let first = scene.device(&sent[0].uuid).await;
    assert_eq!(service.judge_check_in(first, PACKAGE, 199).await.unwrap(), 0, "an older version proves nothing");
    assert_eq!(service.judge_check_in(first, "com.example.other", 200).await.unwrap(), 0);
    assert_eq!(service.judge_check_in(first, PACKAGE, 200).await.unwrap(), 1);
    assert_eq!(service.judge_check_in(first, PACKAGE, 200).await.unwrap(), 0, "once");
    let second = scene.device(&sent[1].uuid).await;
    assert_eq!(scene.say(&sent[1], ReportStatus::Installing).await, Recorded::Applied);
    assert_eq!(
        service.judge_check_in(second, PACKAGE, 305).await.unwrap(),
        1,
        "a newer one is more than was asked for"
    );
    assert_eq!(scene.states(job).await, [("sent".into(), 1), ("succeeded".into(), 2)]);
    let client = scene.world.client().await;
    let after = "SELECT version_after FROM commands WHERE device_id = $1";
    let after: String = client.query_one(after, &[&second.0]).await.unwrap().get(0);
    assert_eq!(after, "305", "what it runs, not what it was sent");
    let row = client
        .query_one(
            "SELECT o.code, o.message, c.version_after FROM outcomes o JOIN commands c USING (job_id, device_id)
             WHERE o.device_id = $1",
            &[&first.0],
        )
        .await
        .unwrap();
    let evidence: (String, String, String) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(evidence, ("check_in".into(), "the device checked in with version 200".into(), "2.00".into()));
    // The report comes after all.
    assert_eq!(scene.say(&sent[0], ReportStatus::Succeeded).await, Recorded::Kept(Reason::Duplicate));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_distribution_that_asks_for_proof_believes_no_report() {
    let scene = Scene::new().await;
    scene.enrol("east", 2).await;
    scene.publish("root", &["root"]).await;
    let operator = scene.operator("root").await;
    let mut wish = request(&["east"]);
    wish.targets[0].proof_required = true;
    let service = &scene.world.service;
    let job = service.distribute_version(&operator, scene.version, wish, trace()).await.unwrap()[0];
    let sent = scene.run().await;
    for sent in &sent {
        assert_eq!(scene.say(sent, ReportStatus::Succeeded).await, Recorded::Applied);
    }
    assert_eq!(scene.states(job).await, [("verifying".into(), 2)]);
    let first = scene.device(&sent[0].uuid).await;
    assert_eq!(service.judge_check_in(first, PACKAGE, 200).await.unwrap(), 1);
    scene.world.let_deadlines_pass().await;
    scene.world.serve_timers().await;
    assert_eq!(
        scene.states(job).await,
        [("queued".into(), 1), ("succeeded".into(), 1)],
        "who shows nothing is told again"
    );
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_report_of_success_is_kept_as_what_the_device_runs() {
    let scene = Scene::new().await;
    scene.enrol("east", 1).await;
    scene.publish("root", &["root"]).await;
    scene.distribute("root", "east").await;
    let sent = scene.run().await;
    let Sent { uuid, command, attempt } = &sent[0];
    let said = report(uuid, *command, *attempt, ReportStatus::Succeeded);
    // A client's report has no word on firmware.
    let said = DeviceReport { firmware_version: Some("9.9".into()), ..said };
    assert_eq!(scene.world.service.record_reports(&[said]).await.unwrap(), [Recorded::Applied]);
    let client = scene.world.client().await;
    let known = "SELECT a.version_code, a.version_name, c.version_after, d.firmware_version FROM device_apps a
        JOIN commands c USING (device_id) JOIN devices d ON d.id = a.device_id";
    let row = client.query_one(known, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, String>(1)), (200, "2.00".into()));
    assert_eq!((row.get::<_, String>(2), row.get::<_, String>(3)), ("2.00".into(), String::new()));
    scene.distribute("root", "east").await;
    assert_eq!(scene.run().await, [], "it needs it no more");
}
