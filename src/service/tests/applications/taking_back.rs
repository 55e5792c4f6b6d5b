//! What was pushed is taken back, and who speaks last has the last word.

use chrono::{DateTime, TimeDelta};
use drover_messages::{DeviceCommand, ReportStatus};
use drover_service::{Recorded, Targets, Wish};

use crate::scene::{Scene, groups, told, users, uuids, wish};

#[tokio::test]
async fn users_and_groups_are_relieved_of_it() {
    let scene = Scene::new().await;
    let [ann, ben, cid] = scene.users(["ann", "ben", "cid"]).await;
    let group = scene.group("sales", &[ben]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, Targets { users: vec![ann, cid], groups: vec![group], ..Targets::default() }, wish()).await;
    let sent = scene.run().await;
    scene.obey(&sent).await;
    assert_eq!(scene.counts(app).await, (3, 3));
    scene.take_back(app, Targets { users: vec![ann], groups: vec![group], ..Targets::default() }).await;
    let sent = scene.run().await;
    assert_eq!(told(&sent), [("ann", "uninstall"), ("ben", "uninstall")]);
    let DeviceCommand::UninstallApplication { application_id, package_name, .. } = &sent[0].command else {
        panic!("{sent:?}")
    };
    assert_eq!((*application_id, package_name.as_str()), (app.0, "com.a"));
    scene.obey(&sent).await;
    assert_eq!(scene.installed(app).await, [("cid".to_owned(), "10.0".to_owned())].into());
    assert_eq!(scene.counts(app).await, (3, 1));
    // The assignment goes on for cid; taking it from cid too ends it.
    assert_eq!(scene.id("SELECT count(*) FROM assignments WHERE ended_at IS NULL", &[]).await, 1);
    scene.take_back(app, users(&[cid])).await;
    assert_eq!(scene.id("SELECT count(*) FROM assignments WHERE ended_at IS NULL", &[]).await, 0);
    let sent = scene.run().await;
    scene.obey(&sent).await;
    assert_eq!(scene.counts(app).await, (3, 0));
    // Once more: there is nothing to remove.
    scene.take_back(app, users(&[ann, ben, cid])).await;
    assert_eq!(scene.run().await, []);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn what_no_device_was_given_needs_no_removal() {
    let scene = Scene::new().await;
    let [ann, ben, cid, dan] = scene.users(["ann", "ben", "cid", "dan"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&[ann, ben, cid]), wish()).await;
    scene.plan_only().await;
    // Ann's install ended before it reached her device, ben's is still open; dan was never meant.
    let sql = "WITH ended AS (UPDATE commands SET state = 'cancelled', prior_state = 'queued', deadline_at = NULL, finished_at = now()
            WHERE device_id = (SELECT id FROM devices WHERE uuid = 'ann') RETURNING job_id, device_id),
        told AS (INSERT INTO outcomes (job_id, device_id, attempt, outcome) SELECT job_id, device_id, 1, 'cancelled' FROM ended),
        why AS (INSERT INTO failure_tallies SELECT job_id, 15, 'cancelled', '', 1, 1 FROM ended)
        INSERT INTO job_tallies SELECT job_id, 15, given.state, given.count
            FROM ended, (VALUES ('queued', -1), ('cancelled', 1)) given (state, count)";
    assert_eq!(scene.execute(sql, &[]).await, 2);
    scene.take_back(app, users(&[ann, ben, dan])).await;
    assert_eq!(told(&scene.run().await), [("ben", "uninstall")]);
    // With cid the push ends, and what no device has is withdrawn: there is nothing to remove then.
    scene.take_back(app, users(&[cid])).await;
    assert_eq!(scene.run().await, []);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn the_last_word_counts_whether_the_device_has_answered_or_not() {
    let scene = Scene::new().await;
    let [ann] = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&[ann]), wish()).await;
    let installs = scene.run().await;
    assert_eq!(scene.say(&installs[0], ReportStatus::Downloading).await, Recorded::Applied);
    scene.take_back(app, users(&[ann])).await;
    let uninstalls = scene.run().await;
    assert_eq!(told(&uninstalls), [("ann", "uninstall")]);
    assert_eq!(scene.states(installs[0].id.job).await, [("superseded".to_owned(), 1)]);
    assert!(
        matches!(scene.say(&installs[0], ReportStatus::Succeeded).await, Recorded::Kept(_)),
        "nobody asks any more"
    );
    scene.push(app, users(&[ann]), wish()).await;
    let again = scene.run().await;
    assert_eq!(told(&again), [("ann", "install")]);
    assert_eq!(scene.states(uninstalls[0].id.job).await, [("superseded".to_owned(), 1)]);
    scene.obey(&again).await;
    assert_eq!(scene.counts(app).await, (1, 1));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_is_about_to_remove_it_is_given_it_again() {
    let scene = Scene::new().await;
    let [ann] = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&[ann]), wish()).await;
    let installs = scene.run().await;
    scene.obey(&installs).await;
    scene.take_back(app, users(&[ann])).await;
    let uninstalls = scene.run().await;
    assert_eq!(told(&uninstalls), [("ann", "uninstall")]);
    scene.push(app, users(&[ann]), wish()).await;
    let again = scene.run().await;
    assert_eq!(told(&again), [("ann", "install")], "she has it, and not for long");
    assert_eq!(scene.states(uninstalls[0].id.job).await, [("superseded".to_owned(), 1)]);
    scene.obey(&again).await;
    scene.push(app, users(&[ann]), wish()).await;
    assert_eq!(scene.run().await, [], "now it stays");
    assert_eq!(scene.counts(app).await, (1, 1));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_push_that_has_yet_to_begin_is_taken_back_too() {
    let scene = Scene::new().await;
    let [ann, ben] = scene.users(["ann", "ben"]).await;
    let group = scene.group("sales", &[ben]).await;
    let app = scene.application("com.a", 1).await;
    let later = Some(DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::days(1));
    let both = Targets { users: vec![ann], groups: vec![group], ..Targets::default() };
    let part = scene.push(app, both, Wish { start_at: later, ..wish() }).await;
    let whole = scene.push(app, groups(&[group]), Wish { start_at: later, ..wish() }).await;
    scene.take_back(app, groups(&[group])).await;
    assert_eq!(scene.run().await, []);
    assert_eq!(scene.job_state(whole).await, "cancelled");
    scene.execute("UPDATE jobs SET start_at = now() WHERE state = 'scheduled'", &[]).await;
    assert_eq!(scene.world.service.start_due_jobs().await.unwrap(), 1);
    let sent = scene.run().await;
    assert_eq!((uuids(&sent), sent[0].id.job), (vec!["ann"], part));
    scene.world.assert_clean().await;
}

/// A planner that was held up brings nothing to devices that were relieved meanwhile.
#[tokio::test]
async fn an_older_push_that_is_planned_later_does_not_have_the_last_word() {
    let scene = Scene::new().await;
    let [ann, ben] = scene.users(["ann", "ben"]).await;
    let (app, other) = (scene.application("com.a", 1).await, scene.application("com.a", 1).await);
    scene.push(app, users(&[ann]), wish()).await;
    let first = scene.run().await;
    scene.obey(&first).await;
    let slow = scene.push(app, users(&[ann, ben]), wish()).await;
    let held = scene.world.take_outbox().await;
    scene.take_back(app, users(&[ann])).await;
    assert_eq!(told(&scene.run().await), [("ann", "uninstall")]);
    assert_eq!(held.len(), 1);
    // It is no longer for ann. Were it, she would still be passed by: her newest command is the uninstall.
    let sql = "UPDATE audiences SET user_ids = $2 WHERE job_id = $1";
    scene.execute(sql, &[&slow.0, &vec![ann, ben]]).await;
    scene.world.service.plan_job(slow, 10).await.unwrap();
    assert_eq!(told(&scene.run().await), [("ben", "install")]);
    // Another application of the same package speaks of the same line.
    scene.push(other, users(&[ann]), wish()).await;
    assert_eq!(told(&scene.run().await), [("ann", "install")]);
    let open = "SELECT count(*) FROM commands c JOIN devices d ON d.id = c.device_id WHERE d.uuid = 'ann' AND finished_at IS NULL";
    assert_eq!(scene.id(open, &[]).await, 1);
    scene.world.assert_clean().await;
}
