//! Whatever happens in whatever order: in the end every device has what it must have, and everything that is counted is right.

use drover_domain::ApplicationId;
use drover_messages::ReportStatus;
use drover_service::Targets;

use crate::{
    scene::{ROOT, Scene, groups, labels, users, wish},
    staged::{review, says},
};

const ACCOUNTS: [&str; 4] = ["ada", "bob", "cid", "dan"];
const STEPS: usize = 60;

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
    users: [i64; 4],
    groups: [i64; 2],
    label: i64,
    applications: [(ApplicationId, &'static str); 2],
    release: i64,
    log: Vec<String>,
}

impl Fleet {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let users = scene.users(ACCOUNTS).await;
        let groups = [scene.group("one", &users[..2]).await, scene.group("two", &users[1..3]).await];
        let label = scene.label("red", &users[3..]).await;
        let applications =
            [(scene.application("app.a", 1).await, "app.a"), (scene.application("app.b", 1).await, "app.b")];
        Self { scene, users, groups, label, applications, release: 10, log: Vec::new() }
    }

    fn targets(&self, dice: &mut Dice) -> Targets {
        match dice.roll(3) {
            0 => users(&[dice.pick(&self.users)]),
            1 => groups(&[dice.pick(&self.groups)]),
            _ => labels(&[self.label]),
        }
    }

    async fn step(&mut self, dice: &mut Dice) {
        let (user, uuid) = (dice.pick(&self.users), dice.pick(&ACCOUNTS));
        let (application, package) = dice.pick(&self.applications);
        let what = dice.roll(12);
        self.log.push(format!("{what} {uuid} {package}"));
        let scene = &self.scene;
        match what {
            0 | 1 => {
                let mut wish = wish();
                wish.is_required = dice.roll(4) > 0;
                wish.is_essential = wish.is_required && dice.roll(2) == 0;
                wish.removes_on_exit = dice.roll(2) == 0;
                scene.push(application, self.targets(dice), wish).await;
            }
            2 => {
                // What nobody was given cannot be taken back.
                let operator = scene.operator(ROOT).await;
                let from = self.targets(dice);
                let trace = crate::scene::trace();
                let _ = scene.world.service.take_application_back(&operator, application, &from, trace).await;
            }
            3 => {
                let sql = "INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                scene.execute(sql, &[&dice.pick(&self.groups), &user]).await;
            }
            4 => {
                let sql = "DELETE FROM user_group_members WHERE group_id = $1 AND user_id = $2";
                scene.execute(sql, &[&dice.pick(&self.groups), &user]).await;
            }
            5 => {
                let sql = "INSERT INTO label_members (label_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                scene.execute(sql, &[&self.label, &user]).await;
            }
            6 => scene.change_device(uuid, &format!("user_id = {user}")).await,
            7 => says(scene, uuid, if dice.roll(2) == 0 { &[] } else { &["app.a", "app.b"] }).await,
            8 => {
                review(scene).await;
            }
            9 => scene.plan_only().await,
            10 => {
                self.release += 1;
                scene.release(application, self.release).await;
            }
            _ => {
                let how = dice.pick(&[ReportStatus::Succeeded, ReportStatus::Succeeded, ReportStatus::Refused]);
                self.carry_out(how).await;
            }
        }
    }

    /// Devices do what they are sent, or refuse to. Returns how much that was.
    async fn carry_out(&self, how: ReportStatus) -> usize {
        let sent = self.scene.run().await;
        for sent in &sent {
            self.scene.say(sent, how).await;
        }
        sent.len()
    }

    /// Everybody does what there is to do, until there is nothing left.
    async fn settle(&self) {
        for _ in 0..50 {
            let mut done = review(&self.scene).await;
            self.scene.world.let_deadlines_pass().await;
            self.scene.world.serve_timers().await;
            done += self.carry_out(ReportStatus::Succeeded).await;
            if done == 0 {
                return;
            }
        }
        panic!("there is no end to it");
    }
}

/// Devices that a required assignment reaches and that do not have its application, though it was never refused, removed by
/// the user or taken back, be it before the device had it; and devices that have what goes when they leave, though no assignment reaches them. What its user had
/// installed before a push of it came through is the user's.
const WRONG: &str = "WITH reach AS (
        SELECT DISTINCT d.id AS device_id, s.application_id, s.is_required FROM devices d
        JOIN assignments s ON s.ended_at IS NULL JOIN assignment_targets t ON t.assignment_id = s.id
        WHERE t.kind = 'user' AND t.target_id = d.user_id
            OR t.kind = 'group' AND EXISTS (SELECT FROM user_group_members WHERE group_id = t.target_id AND user_id = d.user_id)
            OR t.kind = 'label' AND EXISTS (SELECT FROM label_members WHERE label_id = t.target_id AND user_id = d.user_id)
    )
    SELECT 'device ' || r.device_id || ' lacks ' || r.application_id FROM reach r
        LEFT JOIN app_installs i USING (application_id, device_id) LEFT JOIN jobs j ON j.id = i.job_id
        LEFT JOIN commands c ON c.job_id = i.job_id AND c.device_id = i.device_id
    WHERE r.is_required AND NOT COALESCE(i.is_installed, false) AND i.removed_at IS NULL
        AND NOT COALESCE(j.push_action = 'uninstall' AND j.operator_id IS NOT NULL, false) AND NOT COALESCE(c.state IN ('rejected', 'cancelled'), false)
    UNION ALL
    SELECT 'device ' || i.device_id || ' keeps ' || i.application_id FROM app_installs i JOIN jobs j ON j.id = i.job_id
        JOIN assignments s ON s.id = j.assignment_id
        JOIN commands c ON c.job_id = i.job_id AND c.device_id = i.device_id AND c.state <> 'cancelled'
    WHERE i.is_installed AND s.removes_on_exit
        AND NOT EXISTS (SELECT FROM reach r WHERE r.device_id = i.device_id AND r.application_id = i.application_id)";

#[tokio::test]
async fn whatever_happens_it_comes_right() {
    for seed in 1..=8 {
        let mut fleet = Fleet::new().await;
        let mut dice = Dice(seed);
        for _ in 0..STEPS {
            fleet.step(&mut dice).await;
        }
        fleet.settle().await;
        let wrong = fleet.scene.world.client().await.query(WRONG, &[]).await.unwrap();
        let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
        assert_eq!(wrong, [""; 0], "seed {seed}: {:#?}", fleet.log);
        fleet.scene.world.assert_clean().await;
    }
}
