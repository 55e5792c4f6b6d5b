//! What happens to devices while a job is held is newer than what the job has for them.

use drover_messages::ReportStatus;

use crate::{
    fleet::{counted, owner},
    scene::{told, users, uuids, wish},
    town::Town,
};

/// A distribution of version 2 that was held before anything of it went out, and one of version 3 that has gone out since.
async fn overtaken() -> (Town, [drover_domain::JobId; 2], Vec<crate::scene::Sent>) {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let [older, newer] = [town.version(program, 2).await, town.version(program, 3).await];
    town.publish(older, &["root"]).await;
    let held = town.distribute(older, "root", None).await;
    town.world.service.pause_job(&owner(), held).await.unwrap();
    town.plan_only().await;
    town.publish(newer, &["root"]).await;
    let since = town.distribute(newer, "root", None).await;
    let sent = town.run().await;
    assert_eq!(uuids(&sent), ["east", "root", "west"]);
    town.say(&sent[0], ReportStatus::Succeeded).await;
    assert_eq!(town.states(held).await, counted(&[("planned", 3)]));
    (town, [held, since], sent)
}

#[tokio::test]
async fn a_distribution_that_goes_on_sends_nobody_back_to_an_older_version() {
    let (town, [held, since], sent) = overtaken().await;
    // One could not take the newer version, and may have the older one.
    for attempt in 1..=2 {
        let refused = crate::scene::Sent { attempt, ..sent[2].clone() };
        town.say(&refused, ReportStatus::Failed).await;
        town.world.let_deadlines_pass_of_queued().await;
        town.world.serve_timers().await;
        town.run().await;
    }
    town.world.service.resume_job(&owner(), held).await.unwrap();
    assert_eq!(uuids(&town.run().await), ["west"]);
    assert_eq!(town.states(held).await, counted(&[("sent", 1), ("superseded", 2)]));
    assert_eq!(town.states(since).await, counted(&[("failed", 1), ("sent", 1), ("succeeded", 1)]));
    town.world.assert_clean().await;
}

#[tokio::test]
async fn a_job_whose_time_is_over_while_it_is_held_takes_nothings_place() {
    let (town, [held, since], _) = overtaken().await;
    let over = "UPDATE jobs SET expires_at = now() - interval '1 s', plan_due_at = now() WHERE id = $1";
    assert_eq!(town.execute(over, &[&held.0]).await, 1);
    town.world.service.call_overdue_planners().await.unwrap();
    assert_eq!(town.run().await, []);
    town.world.let_deadlines_pass_of_queued().await;
    town.world.serve_timers().await;
    assert_eq!(town.states(held).await, counted(&[("timed_out", 3)]));
    assert_eq!(town.states(since).await, counted(&[("sent", 2), ("succeeded", 1)]), "what is under way goes on");
    town.world.assert_clean().await;
}

#[tokio::test]
async fn a_push_that_goes_on_leaves_the_last_word_to_a_newer_one() {
    let town = Town::new().await;
    let application = town.application("app", 1).await;
    let [ada] = town.users(["ada"]).await;
    let held = town.push(application, users(&[ada]), wish()).await;
    town.world.service.pause_job(&owner(), held).await.unwrap();
    town.plan_only().await;
    assert_eq!(town.states(held).await, counted(&[("planned", 1)]));
    town.release(application, 20).await;
    let newer = town.push(application, users(&[ada]), wish()).await;
    let sent = town.run().await;
    assert_eq!((told(&sent), sent[0].id.job), (vec![("ada", "install")], newer));
    town.say(&sent[0], ReportStatus::Succeeded).await;
    town.world.service.resume_job(&owner(), held).await.unwrap();
    assert_eq!(town.run().await, []);
    assert_eq!(town.states(held).await, counted(&[("superseded", 1)]));
    town.world.assert_clean().await;
}
