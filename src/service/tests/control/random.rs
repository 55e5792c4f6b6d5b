//! Whatever happens to a job in whatever order: nothing goes out while it is held, the oracle finds nothing wrong at any time,
//! and in the end every command has ended and the job with it.

use drover_domain::{CommandId, CommandState, JobState};
use drover_messages::ReportStatus;
use drover_service::{CancelMode, RetryFilter};

use crate::fleet::{Fleet, Given, owner};

const STEPS: usize = 50;
const DEVICES: usize = 27;

/// Numbers that look random, the same ones in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

struct Course {
    fleet: Fleet,
    /// Messages that a broker has.
    broker: Vec<(String, Vec<u8>)>,
    given: Vec<Given>,
    log: Vec<String>,
}

impl Course {
    async fn new(seed: u64) -> Self {
        let fleet = Fleet::started(DEVICES, i16::try_from(seed % 3).unwrap()).await;
        Self { fleet, broker: Vec::new(), given: Vec::new(), log: vec![format!("seed {seed}")] }
    }

    async fn step(&mut self, dice: &mut Dice) {
        let what = dice.roll(14);
        let (service, fleet) = (&self.fleet.world.service, &self.fleet);
        let state = fleet.state().await;
        self.log.push(format!("{what} {state:?}"));
        match what {
            0 => assert_eq!(service.pause_job(&owner(), fleet.job).await.is_ok(), state == JobState::Running),
            1 | 2 => assert_eq!(service.resume_job(&owner(), fleet.job).await.is_ok(), state == JobState::Paused),
            3 => {
                let mut filter = RetryFilter::default();
                if dice.roll(2) == 0 {
                    filter.states.push(CommandState::Cancelled);
                }
                let _ = service.retry_failed(&owner(), fleet.job, &filter).await;
            }
            4 if dice.roll(8) == 0 => drop(service.cancel_job(&owner(), fleet.job).await),
            4 => {
                if let Some(given) = self.given.get(dice.roll(DEVICES)) {
                    let id = CommandId::from_i64(given.command).unwrap();
                    let mode = if dice.roll(2) == 0 { CancelMode::Soft } else { CancelMode::Force };
                    service.cancel_each(&[id], mode, "me").await.unwrap();
                }
            }
            5 => {
                fleet.world.let_deadlines_pass_of_queued().await;
                fleet.world.serve_timers().await;
            }
            6 if dice.roll(3) == 0 => {
                fleet.world.let_deadlines_pass().await;
                fleet.world.serve_timers().await;
            }
            7 => {
                self.broker.clear();
                let client = fleet.world.client().await;
                client
                    .batch_execute("UPDATE jobs SET plan_due_at = now() WHERE plan_due_at IS NOT NULL")
                    .await
                    .unwrap();
                service.call_overdue_planners().await.unwrap();
            }
            8 => drop(service.finish_jobs().await.unwrap()),
            9 => self.report(dice).await,
            _ => self.deliver(dice, state).await,
        }
        self.broker.extend(self.fleet.world.take_outbox().await);
        for _ in 0..3 {
            self.report(dice).await;
        }
    }

    /// The broker delivers some of what it has, in any order.
    async fn deliver(&mut self, dice: &mut Dice, state: JobState) {
        for _ in 0..2 {
            if self.broker.is_empty() {
                return;
            }
            let (queue, body) = self.broker.swap_remove(dice.roll(self.broker.len()));
            let given = self.fleet.handle(&queue, &body).await;
            assert!(state == JobState::Running || given.is_empty(), "{state:?}: {given:?}\n{:?}", self.log);
            self.given.extend(given);
        }
    }

    /// A device says something of what it was given.
    async fn report(&mut self, dice: &mut Dice) {
        if self.given.is_empty() {
            return;
        }
        let given = self.given[dice.roll(self.given.len())].clone();
        let words = [
            ReportStatus::Downloading,
            ReportStatus::Installing,
            ReportStatus::Succeeded,
            ReportStatus::Failed,
            ReportStatus::Failed,
            ReportStatus::Cancelled,
            ReportStatus::CancelRefused,
        ];
        self.fleet.say(&given, words[dice.roll(words.len())]).await;
    }

    async fn check(&self) {
        let found = self.fleet.world.service.check().await.unwrap().violations;
        assert_eq!(found, [], "{:#?}", self.log);
    }

    /// Everything is let go and ends.
    async fn end(&mut self) {
        let _ = self.fleet.world.service.resume_job(&owner(), self.fleet.job).await;
        for _ in 0..40 {
            self.fleet.run().await;
            self.fleet.world.let_deadlines_pass().await;
            self.fleet.tick().await;
            let client = self.fleet.world.client().await;
            client.batch_execute("UPDATE jobs SET plan_due_at = now() WHERE plan_due_at IS NOT NULL").await.unwrap();
            self.fleet.world.service.finish_jobs().await.unwrap();
            let open = "SELECT count(*) FROM commands WHERE job_id = $1 AND finished_at IS NULL";
            if self.fleet.state().await.is_terminal() && self.fleet.number(open).await == 0 {
                return;
            }
        }
        panic!("it never ends: {:?} {:#?}", self.fleet.states().await, self.log);
    }
}

#[tokio::test]
async fn whatever_happens_in_whatever_order() {
    for seed in 0..6 {
        let mut dice = Dice(seed + 11);
        let mut course = Course::new(seed).await;
        for _ in 0..STEPS {
            course.step(&mut dice).await;
            course.check().await;
        }
        course.end().await;
        course.check().await;
    }
}
