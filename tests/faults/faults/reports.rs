//! Devices that answer when it is too late.

use drover_testkit::wait_until;

use crate::{
    crowd::{self, Command, Crowd},
    scene::Scene,
    support::PATIENCE,
};

/// Short, and long enough for a second attempt to stay open while the first one's reports arrive.
const TIMEOUT_S: i32 = 5;

/// Devices let an attempt's deadline pass, report on it during the next one, and once more after its end.
pub(crate) async fn late(scene: &mut Scene<'_>) {
    let mut crowd = Crowd::listen(&scene.world.node).await;
    let devices = crowd::everybody();
    let job = scene.world.job(&devices).await;
    scene.world.hurry(job, TIMEOUT_S).await;
    scene.world.start_job(job).await;
    let first = crowd.upgrades(devices.len()).await;
    scene.middle().await;
    let second = crowd.upgrades(devices.len()).await;
    assert!(second.iter().all(|command| command.attempt == 2), "{second:?}");

    let late = || first.iter().map(Command::succeeded).collect();
    crowd.report(late()).await;
    let count = i64::try_from(devices.len()).unwrap();
    let kept = "SELECT count(*) FROM unapplied_reports WHERE job_id = $1 AND attempt = 1 AND reason = 'late'";
    wait_until(PATIENCE, "the evidence", async || scene.world.rows.count(kept, &[&job]).await == count).await;
    let moved = "SELECT count(*) FROM commands WHERE job_id = $1 AND state = 'succeeded'";
    assert_eq!(scene.world.rows.count(moved, &[&job]).await, 0, "a late report ended another attempt");

    crowd.report(second.iter().map(Command::succeeded).collect()).await;
    wait_until(PATIENCE, "the end", async || scene.world.rows.count(moved, &[&job]).await == count).await;
    crowd.report(late()).await;
    wait_until(PATIENCE, "the evidence", async || scene.world.rows.count(kept, &[&job]).await == 2 * count).await;
}
