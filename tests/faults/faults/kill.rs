//! Processes and servers that die.

use std::time::Duration;

use drover_workers::Role;

use crate::{
    crowd::{self, Crowd},
    scene::Scene,
};

/// Attempts that nobody answers end after so many seconds.
const QUIET_TIMEOUT_S: i32 = 2;

/// A role's process is killed in the middle of its work, and started again after a while.
pub(crate) async fn role(scene: &mut Scene<'_>) {
    let role = scene.role();
    // Deadlines that pass are what the timekeeper works on.
    let crowd = if role == Role::Timekeep { Some(scene.deadlines_pass().await) } else { None };
    scene.middle().await;
    scene.world.member(role).kill();
    scene.last(Duration::from_secs(1), Duration::from_secs(10)).await;
    scene.world.member(role).start_again(&[]);
    if let Some(crowd) = crowd {
        crowd.await.unwrap();
    }
}

impl Scene<'_> {
    /// Has a job for devices that answer only when they are asked a second time, and waits until the first of them are
    /// asked: their deadlines pass soon. The task ends when all have answered.
    async fn deadlines_pass(&mut self) -> tokio::task::JoinHandle<()> {
        let mut crowd = Crowd::listen(&self.world.node).await;
        let devices = crowd::everybody();
        let job = self.world.job(&devices).await;
        self.world.hurry(job, QUIET_TIMEOUT_S).await;
        self.world.start_job(job).await;
        let first = crowd.upgrades(devices.len()).await;
        assert!(first.iter().all(|command| command.attempt == 1));
        tokio::spawn(async move {
            let second = crowd.upgrades(first.len()).await;
            // Nothing early, nothing twice: exactly the next attempt.
            assert!(second.iter().all(|command| command.attempt == 2), "{second:?}");
            crowd.report(second.iter().map(crowd::Command::succeeded).collect()).await;
        })
    }
}

/// The broker is killed with work queued.
pub(crate) async fn broker(scene: &mut Scene<'_>) {
    scene.middle().await;
    scene.world.node.kill9();
    scene.last(Duration::from_secs(1), Duration::from_secs(30)).await;
    scene.world.node.restart().await;
}

/// Postgres is killed in the middle of transactions.
pub(crate) async fn postgres(scene: &mut Scene<'_>) {
    scene.middle().await;
    scene.world.postgres.server.kill9().await.unwrap();
    scene.last(Duration::from_secs(1), Duration::from_secs(30)).await;
    let port = scene.world.postgres.server.port();
    scene.world.postgres.server.restart().await.unwrap();
    assert_eq!(scene.world.postgres.server.port(), port, "the proxies would lead nowhere");
}
