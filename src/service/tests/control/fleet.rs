//! Devices of a firmware job. The broker and the relay are the test itself; what devices were given and have not answered is
//! kept.

use drover_domain::{CommandId, JobId, JobState};
use drover_messages::{DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus};
use drover_service::{Actor, Join, Recorded};

use crate::support::{World, report};

/// A command that a device has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) uuid: String,
    pub(crate) command: i64,
    pub(crate) attempt: i16,
}

pub(crate) struct Fleet {
    pub(crate) world: World,
    pub(crate) uuids: Vec<String>,
    pub(crate) job: JobId,
}

impl Fleet {
    /// A running job of so many devices; its messages are in the outbox.
    pub(crate) async fn started(devices: usize, retries: i16) -> Self {
        let world = World::new().await;
        let uuids = world.enrol(devices).await;
        let job = world.draft(retries).await.id;
        world.service.join_devices(&world.product, job, Join::Devices(uuids.clone()), "me").await.unwrap();
        world.service.start_job(&world.product, job, None).await.unwrap();
        Self { world, uuids, job }
    }

    /// One whose devices have all failed, each with the code that `code` names for its place; it has completed.
    pub(crate) async fn failed(devices: usize, code: impl Fn(usize) -> Option<&'static str>) -> Self {
        let fleet = Self::started(devices, 0).await;
        let given = fleet.run().await;
        assert_eq!(given.len(), devices);
        for (place, given) in given.iter().enumerate() {
            fleet.say_with(given, ReportStatus::Failed, code(place)).await;
        }
        assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 1);
        fleet
    }

    pub(crate) async fn pause(&self) -> i64 {
        self.world.service.pause_job(&owner(), self.job).await.unwrap().devices
    }

    pub(crate) async fn resume(&self) -> i64 {
        self.world.service.resume_job(&owner(), self.job).await.unwrap().devices
    }

    /// Carries out what is in the outbox, as the workers would, until there is nothing.
    pub(crate) async fn run(&self) -> Vec<Given> {
        let mut given = Vec::new();
        loop {
            let messages = self.world.take_outbox().await;
            if messages.is_empty() {
                return given;
            }
            for (queue, body) in messages {
                given.extend(self.handle(&queue, &body).await);
            }
        }
    }

    /// Carries out one message. Returns what devices were given by it.
    pub(crate) async fn handle(&self, queue: &str, body: &[u8]) -> Vec<Given> {
        let service = &self.world.service;
        if queue.starts_with("jobs.") {
            let message = PlanJob::decode(body, "").unwrap();
            service.plan_job(JobId(message.job_id), 2).await.unwrap();
            return Vec::new();
        }
        let message = DispatchCommands::decode(body, "").unwrap();
        let chunk = service.load_dispatch(&message).await.unwrap().unwrap();
        let DispatchAction::Send { attempt } = message.action else { return Vec::new() };
        let devices: Vec<i64> = chunk.addressees.iter().map(|a| a.device.0).collect();
        service.record_sent(&chunk.job, attempt, &devices).await.unwrap();
        let command = |device| CommandId { job: chunk.job.id, device }.to_i64();
        let given = chunk.addressees.iter();
        given.map(|a| Given { uuid: a.uuid.clone(), command: command(a.device), attempt }).collect()
    }

    /// Timers that are due, and what follows.
    pub(crate) async fn tick(&self) -> Vec<Given> {
        self.world.serve_timers().await;
        self.world.service.call_overdue_planners().await.unwrap();
        self.run().await
    }

    pub(crate) async fn say(&self, given: &Given, status: ReportStatus) -> Recorded {
        self.say_with(given, status, None).await
    }

    pub(crate) async fn say_with(&self, given: &Given, status: ReportStatus, code: Option<&str>) -> Recorded {
        let mut report = report(&given.uuid, given.command, given.attempt, status);
        report.code = code.map(str::to_owned);
        self.world.service.record_reports(&[report]).await.unwrap()[0]
    }

    pub(crate) async fn states(&self) -> Vec<(String, i64)> {
        self.world.states(self.job).await
    }

    pub(crate) async fn state(&self) -> JobState {
        self.world.service.job(&self.world.product, self.job).await.unwrap().state
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.world.client().await.query_one(sql, &[&self.job.0]).await.unwrap().get(0)
    }

    /// As if the job's time were over, and every deadline that was set by it.
    pub(crate) async fn let_its_time_pass(&self) {
        let sql = "UPDATE jobs SET expires_at = now() - interval '1 s',
            plan_due_at = CASE WHEN plan_due_at IS NOT NULL THEN now() - interval '1 s' END WHERE id = $1";
        self.world.client().await.execute(sql, &[&self.job.0]).await.unwrap();
        self.world.let_deadlines_pass().await;
    }
}

/// Whoever owns the database.
pub(crate) fn owner() -> Actor {
    Actor::command_line("tester")
}

pub(crate) fn counted(given: &[(&str, i64)]) -> Vec<(String, i64)> {
    given.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect()
}
