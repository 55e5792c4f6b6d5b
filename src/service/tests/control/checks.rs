//! What devices that check for updates are offered of a roll-out that is held.

use drover_messages::ReportStatus;

use crate::{
    fleet::owner,
    scene::{EAST, groups, wish},
    town::{Town, agent},
};

#[tokio::test]
async fn what_waits_in_a_distribution_that_is_held_is_not_offered() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 2).await;
    town.publish(version, &["root"]).await;
    let job = town.distribute(version, "root", None).await;
    town.plan_only().await;
    assert_eq!(town.offered("east").await, agent(2), "what is released is offered");
    town.world.service.pause_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("east").await, [], "but not while it is held");
    town.world.service.resume_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("east").await, agent(2));
    town.plan_only().await;
    town.world.serve_timers().await;
    let sent = town.run().await;
    town.world.service.pause_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("east").await, agent(2), "what is under way goes on");
    let east = sent.iter().find(|sent| sent.uuid == "east").unwrap();
    town.say(east, ReportStatus::Failed).await;
    assert_eq!(town.offered("east").await, [], "and its next attempt waits");
    town.world.service.cancel_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("east").await, agent(2), "it is published all the same");
}

#[tokio::test]
async fn a_push_that_is_held_keeps_those_waiting_whom_it_has_not_reached() {
    let town = Town::new().await;
    let application = town.application("app", 1).await;
    let [ada, bob] = town.users(["ada", "bob"]).await;
    let group = town.group("all", &[ada, bob]).await;
    let job = town.push(application, groups(&[group]), wish()).await;
    town.plan_only().await;
    let app = [("app".to_owned(), 10)];
    assert_eq!(town.offered("ada").await, app);
    town.world.service.pause_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("ada").await, []);
    let carol = town.user("carol", EAST).await;
    town.execute("INSERT INTO user_group_members VALUES ($1, $2)", &[&group, &carol]).await;
    assert_eq!(town.offered("carol").await, app, "who came later is none of its");
    town.world.service.resume_job(&owner(), job).await.unwrap();
    assert_eq!(town.offered("ada").await, app);
}
