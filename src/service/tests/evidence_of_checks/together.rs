//! Checks, reports, whole inventories and deadlines in any order and at the same time: everything that is counted stays right.

use drover_domain::{ApplicationId, DeviceId};
use drover_messages::{DeviceInventory, InstalledApp, ReportStatus};
use futures_util::future::join_all;

use crate::{
    asking::{a_minute_passes, asks},
    scene::{Scene, Sent, users, wish},
    support::report,
};

const ACCOUNTS: [&str; 3] = ["ada", "bob", "cid"];
const PACKAGES: [&str; 2] = ["app.a", "app.b"];
const SEEDS: u64 = 6;
const STEPS: usize = 50;
const ROUNDS: usize = 12;

/// Numbers that look random, the same ones in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

struct Fleet {
    scene: Scene,
    users: [i64; 3],
    devices: Vec<DeviceId>,
    applications: Vec<ApplicationId>,
    release: i64,
    sent: Vec<Sent>,
    log: Vec<String>,
}

impl Fleet {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let users = scene.users(ACCOUNTS).await;
        let mut applications = Vec::new();
        for package in PACKAGES {
            applications.push(scene.application(package, 1).await);
        }
        let mut devices = Vec::new();
        for uuid in ACCOUNTS {
            devices.push(DeviceId(scene.id("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await));
        }
        Self { scene, users, devices, applications, release: 10, sent: Vec::new(), log: Vec::new() }
    }

    /// A newer release for everybody, success of which needs proof by halves.
    async fn push(&mut self, dice: &mut Dice) {
        self.release += 1;
        let application = dice.pick(&self.applications);
        self.scene.release(application, self.release).await;
        let job = self.scene.push(application, users(&self.users), wish()).await;
        let sql = "UPDATE jobs SET proof_required = $2, retry_limit = 1 WHERE id = $1";
        self.scene.execute(sql, &[&job.0, &(dice.roll(2) == 0)]).await;
        self.sent.extend(self.scene.run().await);
    }

    async fn check(&self, uuid: &str, at_s: i64, installed: &[(&str, i64)]) {
        asks(&self.scene.world, uuid, at_s, installed).await;
    }

    async fn say(&self, reports: Vec<(usize, ReportStatus)>) {
        let batch = reports.into_iter().map(|(index, status)| {
            let sent = &self.sent[index];
            report(&sent.uuid, sent.id.to_i64(), sent.attempt, status)
        });
        self.scene.world.service.record_reports(&batch.collect::<Vec<_>>()).await.unwrap();
    }

    async fn says_all(&self, device: DeviceId, apps: &[(&str, i64)]) {
        let app = |(package, version): &(&str, i64)| InstalledApp {
            package_name: (*package).into(),
            name: None,
            version_name: None,
            version_code: Some(*version),
            size_bytes: None,
        };
        let inventory = DeviceInventory { os_version: None, apps: apps.iter().map(app).collect() };
        self.scene.world.service.record_inventory(device, inventory).await.unwrap();
    }

    fn some_version(&self, dice: &mut Dice) -> i64 {
        self.release - 2 + i64::try_from(dice.roll(4)).unwrap()
    }

    fn some_status(dice: &mut Dice) -> ReportStatus {
        dice.pick(&[
            ReportStatus::Downloading,
            ReportStatus::Installing,
            ReportStatus::Succeeded,
            ReportStatus::Succeeded,
            ReportStatus::Failed,
            ReportStatus::Refused,
        ])
    }

    /// Of what was sent lately most is still open.
    fn some_sent(&self, dice: &mut Dice) -> usize {
        self.sent.len() - 1 - dice.roll(self.sent.len().min(6))
    }

    async fn step(&mut self, dice: &mut Dice, at_s: i64) {
        let (uuid, package, what) = (dice.pick(&ACCOUNTS), dice.pick(&PACKAGES), dice.roll(10));
        let version = self.some_version(dice);
        self.log.push(format!("{what} {uuid} {package} {version}"));
        match what {
            0 => self.push(dice).await,
            1..=3 => {
                let others = self.some_version(dice);
                let all = [(package, version), ("unheard.of", 1), (PACKAGES[dice.roll(2)], others)];
                self.check(uuid, at_s - 5 * i64::from(dice.roll(4) == 0), &all[..=dice.roll(3)]).await;
            }
            4..=6 if !self.sent.is_empty() => {
                let status = Self::some_status(dice);
                self.say(vec![(self.some_sent(dice), status)]).await;
            }
            7 => self.says_all(dice.pick(&self.devices), &[(package, version)][..dice.roll(2)]).await,
            8 if !self.sent.is_empty() => {
                let index = self.some_sent(dice);
                self.say(vec![(index, ReportStatus::Succeeded)]).await;
                a_minute_passes(&self.scene.world).await;
                self.check(&self.sent[index].uuid, at_s, &[(PACKAGES[0], 1), (PACKAGES[1], 1)]).await;
            }
            _ => {
                self.scene.world.let_deadlines_pass().await;
                self.scene.world.serve_timers().await;
                self.sent.extend(self.scene.run().await);
            }
        }
    }
}

#[tokio::test]
async fn in_any_order() {
    let (mut proven, mut disproven) = (0, 0);
    for seed in 1..=SEEDS {
        let (mut fleet, mut dice) = (Fleet::new().await, Dice(seed));
        for step in 0..STEPS {
            fleet.step(&mut dice, i64::try_from(step).unwrap()).await;
            if step % 10 == 9 {
                let found = fleet.scene.world.service.check().await.unwrap().violations;
                assert_eq!(found, [], "seed {seed}: {:#?}", fleet.log);
            }
        }
        let ended = "SELECT count(*) FROM outcomes WHERE code = 'check_in' AND outcome = $1";
        proven += fleet.scene.id(ended, &[&"succeeded"]).await;
        disproven += fleet.scene.id(ended, &[&"failed"]).await;
    }
    assert!(proven > 10 && disproven > 3, "{proven} proven, {disproven} disproven: it does not try much");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_same_time() {
    let (mut fleet, mut dice) = (Fleet::new().await, Dice(7));
    for round in 0..ROUNDS {
        fleet.push(&mut dice).await;
        let at_s = i64::try_from(round).unwrap();
        let checks: Vec<_> = (0..8)
            .map(|n| (dice.pick(&ACCOUNTS), at_s - n % 2, dice.pick(&PACKAGES), fleet.some_version(&mut dice)))
            .collect();
        let reports: Vec<Vec<_>> = (0..4)
            .map(|_| (0..3).map(|_| (dice.roll(fleet.sent.len()), Fleet::some_status(&mut dice))).collect())
            .collect();
        let whole: Vec<_> =
            (0..3).map(|_| (dice.pick(&fleet.devices), dice.pick(&PACKAGES), fleet.some_version(&mut dice))).collect();
        a_minute_passes(&fleet.scene.world).await;
        let fleet = &fleet;
        tokio::join!(
            join_all(checks.into_iter().map(async |(uuid, at_s, package, version)| {
                fleet.check(uuid, at_s, &[(package, version), ("unheard.of", version)]).await;
            })),
            join_all(reports.into_iter().map(|batch| fleet.say(batch))),
            join_all(whole.into_iter().map(async |(device, package, version)| {
                fleet.says_all(device, &[(package, version)]).await;
            })),
            fleet.scene.world.serve_timers(),
        );
        fleet.scene.world.assert_clean().await;
    }
    let known = "SELECT count(*) FROM device_checks";
    assert_eq!(fleet.scene.id(known, &[]).await, 3, "every device has one newest check");
}
