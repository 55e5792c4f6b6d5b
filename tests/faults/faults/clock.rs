//! A machine whose clock is wrong.

use std::path::Path;

use chrono::{DateTime, Utc};
use drover_testkit::wait_until;
use drover_workers::Role;
use rand::RngExt;
use tokio::time::{Duration, Instant};

use crate::{
    crowd::{self, Command, Crowd},
    scene::Scene,
    support::{PATIENCE, http},
    vendor::now_ms,
};

/// How far off. An ingress refuses calls that are ten minutes old, so its own clock may be off by less.
const OFF_MINUTES: i64 = 10;
const INGRESS_OFF_MINUTES: i64 = 9;
/// Devices' time for an attempt.
const TIMEOUT_S: u16 = 4;
/// How early and how late a deadline may seem to a device.
const EARLY: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(15);
/// Where Debian keeps the library that lies about the time, below its name for the machine.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// A role's clock is wrong, this way or that. Devices download by its links and keep their deadlines.
pub(crate) async fn off(scene: &mut Scene<'_>) {
    let role = scene.role();
    let minutes = if role == Role::Ingress { INGRESS_OFF_MINUTES } else { OFF_MINUTES };
    let minutes = if scene.random.random() { minutes } else { -minutes };
    let (library, lie) = (library(), format!("{minutes:+}m"));
    let lies = [("LD_PRELOAD", library.as_str()), ("FAKETIME", &lie), ("DONT_FAKE_MONOTONIC", "1")];
    scene.middle().await;
    scene.world.member(role).start_again(&lies);
    scene.world.member(role).process.wait_ready().await;
    let seen = (last_logged(&scene.world.member(role).process.log()).timestamp_millis() - now_ms()) / 60_000;
    assert!((seen - minutes).abs() <= 1, "{role} is off by {seen} minutes, not {minutes}");

    let mut crowd = Crowd::listen(&scene.world.node).await;
    let devices = crowd::everybody();
    let job = scene.world.job(&devices).await;
    scene.world.hurry(job, TIMEOUT_S.into()).await;
    scene.world.start_job(job).await;
    let first = crowd.upgrades(devices.len()).await;
    let asked = Instant::now();
    let file = http().get(&first[0].firmware.url).send().await.unwrap();
    assert_eq!(file.status().as_u16(), 200, "{}", first[0].firmware.url);
    // Half of them answer; the others are asked again when the database says so.
    let (quick, silent) = first.split_at(first.len() / 2);
    crowd.report(quick.iter().map(Command::succeeded).collect()).await;
    let second = crowd.upgrades(silent.len()).await;
    let (after, timeout) = (asked.elapsed(), Duration::from_secs(TIMEOUT_S.into()));
    assert!(after + EARLY >= timeout && after <= timeout + LATE, "attempts of {timeout:?} ended after {after:?}");
    crowd.report(second.iter().map(Command::succeeded).collect()).await;
    let open = "SELECT count(*) FROM commands WHERE job_id = $1 AND finished_at IS NULL";
    wait_until(PATIENCE, "the answers", async || scene.world.rows.count(open, &[&job]).await == 0).await;
    let twice = "SELECT count(*) FROM commands WHERE job_id = $1 AND attempt > 1";
    let asked_twice = usize::try_from(scene.world.rows.count(twice, &[&job]).await).unwrap();
    assert_eq!(asked_twice, silent.len(), "an attempt ended that was answered");
    scene.world.member(role).start_again(&[]);
}

fn library() -> String {
    let machines = std::fs::read_dir(LIBRARIES).unwrap().filter_map(|entry| Some(entry.ok()?.path().join(LIBRARY)));
    let found = machines.into_iter().find(|library| Path::exists(library));
    found.expect("libfaketime is installed").to_str().unwrap().to_owned()
}

/// The time that a process wrote beside its last line.
fn last_logged(log: &str) -> DateTime<Utc> {
    let times = log.lines().rev().filter_map(|line| line.split_whitespace().next()?.parse().ok());
    times.into_iter().next().expect("log lines begin with their time")
}
