//! A cancel and something else in the same moment, in either order: the test holds the command's row until both wait for it,
//! and whoever came first goes first.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use drover_domain::{CommandId, CommandState as S, DeviceId};
use drover_messages::{DispatchAction, DispatchCommands, Message, ReportStatus};
use drover_service::{CancelMode, CancelResult, FirmwareJob, Join, Reason, Recorded, Service};
use drover_testkit::wait_until;
use support::{World, report};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Cancel(CancelMode),
    Report(ReportStatus),
    /// The dispatcher notes that the channel took it.
    Sent,
    /// The timekeeper serves a deadline that has passed.
    Deadline,
}

/// What the one who acted was told.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Cancel(CancelResult),
    Report(Recorded),
    /// Whether the dispatcher has to tell the device to stop.
    Sent {
        stopped: bool,
    },
    Served,
}

const SOFT: Act = Act::Cancel(CancelMode::Soft);
const FORCE: Act = Act::Cancel(CancelMode::Force);
const APPLIED: Answer = Answer::Report(Recorded::Applied);
const LATE: Answer = Answer::Report(Recorded::Kept(Reason::Late));
const DUPLICATE: Answer = Answer::Report(Recorded::Kept(Reason::Duplicate));
const CANCELLED: Answer = Answer::Cancel(CancelResult::Cancelled);
const ASKED: Answer = Answer::Cancel(CancelResult::Asked);

const fn had_ended(state: S) -> Answer {
    Answer::Cancel(CancelResult::HadEnded(state))
}

/// One command of a job of its own.
struct Duel {
    world: World,
    job: FirmwareJob,
    uuids: Vec<String>,
    ids: Vec<CommandId>,
}

impl Duel {
    /// With commands that are in `states`, one each.
    async fn new(states: &[S], retry_limit: i16) -> Self {
        let world = World::new().await;
        let uuids = world.enrol(states.len()).await;
        let job = world.draft(retry_limit).await;
        world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
        world.service.start_job(&world.product, job.id, None).await.unwrap();
        world.service.plan_job(job.id, 10).await.unwrap();
        let client = world.client().await;
        let mut ids = Vec::new();
        for (uuid, state) in uuids.iter().zip(states) {
            let device = client.query_one("SELECT id FROM devices WHERE uuid = $1", &[uuid]).await.unwrap().get(0);
            let id = CommandId { job: job.id, device: DeviceId(device) };
            ids.push(id);
            if *state != S::Queued {
                world.service.record_sent(&job, 1, &[device]).await.unwrap();
            }
            if matches!(state, S::Installing | S::Cancelling) {
                let installing = report(uuid, id.to_i64(), 1, ReportStatus::Installing);
                world.service.record_reports(&[installing]).await.unwrap();
            }
            if *state == S::Cancelling {
                world.service.cancel_each(&[id], CancelMode::Soft, "me").await.unwrap();
            }
        }
        drop(client);
        world.take_outbox().await;
        Self { world, job, uuids, ids }
    }

    /// Starts `act` on some of the commands.
    fn start(&self, act: Act, which: &[usize]) -> tokio::task::JoinHandle<Answer> {
        let (service, job): (Service, FirmwareJob) = (self.world.service.clone(), self.job.clone());
        let ids: Vec<CommandId> = which.iter().map(|index| self.ids[*index]).collect();
        let uuids: Vec<String> = which.iter().map(|index| self.uuids[*index].clone()).collect();
        tokio::spawn(async move {
            match act {
                Act::Cancel(mode) => Answer::Cancel(service.cancel_each(&ids, mode, "me").await.unwrap()[0].1),
                Act::Report(status) => {
                    let report = |(uuid, id): (&String, &CommandId)| report(uuid, id.to_i64(), 1, status);
                    let reports: Vec<_> = uuids.iter().zip(&ids).map(report).collect();
                    Answer::Report(service.record_reports(&reports).await.unwrap()[0])
                }
                Act::Sent => {
                    let stopped = service.record_sent(&job, 1, &[ids[0].device.0]).await.unwrap();
                    Answer::Sent { stopped: stopped == [ids[0].device.0] }
                }
                Act::Deadline => {
                    while service.serve_timer().await.unwrap() {}
                    Answer::Served
                }
            }
        })
    }

    /// Waits until `count` others wait for a lock.
    async fn wait_for_waiting(&self, count: i64) {
        let client = self.world.client().await;
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until(Duration::from_secs(20), "others to wait for the row", async || {
            client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == count
        })
        .await;
    }

    /// Has `acts` wait for the first command one after the other, and then lets them go.
    async fn in_order(&self, acts: [Act; 2]) -> [Answer; 2] {
        if acts.contains(&Act::Deadline) {
            self.world.let_deadlines_pass().await;
        }
        let mut holder = self.world.client().await;
        let row = holder.transaction().await.unwrap();
        let hold = "SELECT FROM commands WHERE job_id = $1 AND device_id = $2 FOR UPDATE";
        row.execute(hold, &[&self.job.id.0, &self.ids[0].device.0]).await.unwrap();
        let first = self.start(acts[0], &[0]);
        self.wait_for_waiting(1).await;
        let second = self.start(acts[1], &[0]);
        self.wait_for_waiting(2).await;
        row.commit().await.unwrap();
        [first.await.unwrap(), second.await.unwrap()]
    }

    /// Where a command stands, its attempt, and the outcomes of its attempts.
    async fn standing(&self, which: usize) -> (S, Vec<String>) {
        let sql =
            "SELECT state, ARRAY(SELECT outcome FROM outcomes o WHERE o.job_id = c.job_id AND o.device_id = c.device_id
            ORDER BY attempt) FROM commands c WHERE job_id = $1 AND device_id = $2";
        let row = self.world.client().await.query_one(sql, &[&self.job.id.0, &self.ids[which].device.0]).await.unwrap();
        (S::parse(row.get(0)).unwrap(), row.get(1))
    }

    /// The devices that a message in the outbox has told to stop.
    async fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (_, body) in self.world.take_outbox().await {
            let message = DispatchCommands::decode(&body, "").unwrap();
            if message.action == DispatchAction::Cancel {
                let chunk = self.world.service.load_dispatch(&message).await.unwrap().unwrap();
                told.extend(chunk.addressees.into_iter().map(|addressee| addressee.uuid));
            }
        }
        told
    }
}

/// Begins in `state` with `retry_limit` tries; then both orders of `acts`, each with the answers, the command's state and its
/// outcomes, and whether the outbox tells the device to stop.
#[allow(clippy::type_complexity)]
async fn check(state: S, retry_limit: i16, acts: [Act; 2], expected: [([Answer; 2], S, &[&str], bool); 2]) {
    for (acts, (answers, ends, outcomes, told)) in [acts, [acts[1], acts[0]]].into_iter().zip(expected) {
        let duel = Duel::new(&[state], retry_limit).await;
        assert_eq!(duel.in_order(acts).await, answers, "{acts:?}");
        let (is, recorded) = duel.standing(0).await;
        assert_eq!(
            (is, recorded.iter().map(String::as_str).collect::<Vec<_>>()),
            (ends, outcomes.to_vec()),
            "{acts:?}"
        );
        assert_eq!(!duel.told().await.is_empty(), told, "{acts:?}");
        duel.world.assert_clean().await;
        duel.world.let_deadlines_pass().await;
        duel.world.serve_timers().await;
        duel.world.assert_clean().await;
    }
}

#[tokio::test]
async fn a_success() {
    let acts = [SOFT, Act::Report(ReportStatus::Succeeded)];
    let soft = [
        ([ASKED, APPLIED], S::Succeeded, &["succeeded"][..], false),
        ([APPLIED, had_ended(S::Succeeded)], S::Succeeded, &["succeeded"], false),
    ];
    check(S::Installing, 1, acts, soft).await;
    let acts = [FORCE, Act::Report(ReportStatus::Succeeded)];
    let force = [
        ([CANCELLED, LATE], S::Cancelled, &["cancelled"][..], true),
        ([APPLIED, had_ended(S::Succeeded)], S::Succeeded, &["succeeded"], false),
    ];
    check(S::Installing, 1, acts, force).await;
}

#[tokio::test]
async fn a_failure() {
    let acts = [SOFT, Act::Report(ReportStatus::Failed)];
    let tries_left = [
        ([ASKED, APPLIED], S::Cancelled, &["cancelled"][..], true),
        ([APPLIED, CANCELLED], S::Cancelled, &["failed", "cancelled"], false),
    ];
    check(S::Installing, 1, acts, tries_left).await;
    let no_try_left = [
        ([ASKED, APPLIED], S::Cancelled, &["cancelled"][..], true),
        ([APPLIED, had_ended(S::Failed)], S::Failed, &["failed"], false),
    ];
    check(S::Installing, 0, acts, no_try_left).await;
}

#[tokio::test]
async fn the_dispatchers_note() {
    let soft = [
        ([CANCELLED, Answer::Sent { stopped: true }], S::Cancelled, &["cancelled"][..], false),
        ([Answer::Sent { stopped: false }, ASKED], S::Cancelling, &[], true),
    ];
    check(S::Queued, 0, [SOFT, Act::Sent], soft).await;
    let force = [
        ([CANCELLED, Answer::Sent { stopped: true }], S::Cancelled, &["cancelled"][..], false),
        ([Answer::Sent { stopped: false }, CANCELLED], S::Cancelled, &["cancelled"], true),
    ];
    check(S::Queued, 0, [FORCE, Act::Sent], force).await;
}

#[tokio::test]
async fn the_deadline_of_the_attempt() {
    let tries_left = [
        ([ASKED, Answer::Served], S::Cancelling, &[][..], true),
        ([Answer::Served, CANCELLED], S::Cancelled, &["timed_out", "cancelled"], false),
    ];
    check(S::Installing, 1, [SOFT, Act::Deadline], tries_left).await;
    let no_try_left = [
        ([CANCELLED, Answer::Served], S::Cancelled, &["cancelled"][..], true),
        ([Answer::Served, had_ended(S::TimedOut)], S::TimedOut, &["timed_out"], false),
    ];
    check(S::Installing, 0, [FORCE, Act::Deadline], no_try_left).await;
}

#[tokio::test]
async fn the_deadline_of_the_cancel() {
    let confirmed = [
        ([APPLIED, Answer::Served], S::Cancelled, &["cancelled"][..], false),
        ([Answer::Served, DUPLICATE], S::Cancelled, &["cancelled"], false),
    ];
    check(S::Cancelling, 1, [Act::Report(ReportStatus::Cancelled), Act::Deadline], confirmed).await;
    let refused = [
        ([APPLIED, Answer::Served], S::Installing, &[][..], false),
        ([Answer::Served, LATE], S::Cancelled, &["cancelled"], false),
    ];
    check(S::Cancelling, 1, [Act::Report(ReportStatus::CancelRefused), Act::Deadline], refused).await;
}

#[tokio::test]
async fn another_cancel() {
    let both = [
        ([ASKED, CANCELLED], S::Cancelled, &["cancelled"][..], true),
        ([CANCELLED, had_ended(S::Cancelled)], S::Cancelled, &["cancelled"], true),
    ];
    check(S::Sent, 1, [SOFT, FORCE], both).await;
}

/// Two commands, and `act` on both: it waits for the first, while the second moves from where the rule that is applied last
/// looks for it to where one looked that is applied before.
async fn moves_behind_its_back(states: [S; 2], act: Act, meanwhile: ReportStatus) -> Duel {
    let duel = Duel::new(&states, 1).await;
    let mut holder = duel.world.client().await;
    let row = holder.transaction().await.unwrap();
    let hold = "SELECT FROM commands WHERE job_id = $1 AND device_id = $2 FOR UPDATE";
    row.execute(hold, &[&duel.job.id.0, &duel.ids[0].device.0]).await.unwrap();
    let waiting = duel.start(act, &[0, 1]);
    duel.wait_for_waiting(1).await;
    assert_eq!(duel.start(Act::Report(meanwhile), &[1]).await.unwrap(), APPLIED);
    row.commit().await.unwrap();
    waiting.await.unwrap();
    duel
}

#[tokio::test]
async fn a_command_that_moves_between_two_rules_is_not_missed_by_both() {
    // The second fails and is queued again after the cancel looked for queued commands, and before it looked for others.
    let duel = moves_behind_its_back([S::Queued, S::Sent], SOFT, ReportStatus::Failed).await;
    assert_eq!(duel.standing(0).await, (S::Cancelled, vec!["cancelled".into()]));
    assert_eq!(duel.standing(1).await, (S::Cancelled, vec!["failed".into(), "cancelled".into()]));
    duel.world.assert_clean().await;
    // The second refuses to stop after its failure looked for commands at work, and before it looked for ones in their cancel.
    let act = Act::Report(ReportStatus::Failed);
    let duel = moves_behind_its_back([S::Sent, S::Cancelling], act, ReportStatus::CancelRefused).await;
    assert_eq!(duel.standing(1).await, (S::Queued, vec!["failed".into()]));
    duel.world.assert_clean().await;
}
