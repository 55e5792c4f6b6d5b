//! Carries out the cases of one group side by side: one job, one device a case, one call a step.

use std::collections::{HashMap, HashSet};

use drover_domain::{CommandId, CommandState as S, DeviceId};
use drover_messages::{DeviceReport, DispatchAction, DispatchCommands, Message, ReportStatus};
use drover_service::{CancelMode, CancelResult, FirmwareJob, Join, Recorded};

use crate::{
    cases::{Case, Group, Said, When},
    expected::{Expected, Standing},
    support::{World, report},
    tables::Tables,
};

/// One case under way.
struct Runner {
    case: Case,
    uuid: String,
    id: CommandId,
    recorded: Option<Recorded>,
    cancelled: Option<CancelResult>,
    told: (bool, bool),
}

pub(crate) struct Course<'a> {
    world: &'a World,
    group: Group,
    job: FirmwareJob,
    runners: Vec<Runner>,
}

impl<'a> Course<'a> {
    /// Brings every command to where its case begins; a planned one waits for a job that has not started.
    pub(crate) async fn start(world: &'a World, group: Group, cases: Vec<Case>, uuids: Vec<String>) -> Self {
        let job = world.draft(group.retry_limit()).await;
        let client = world.client().await;
        let proof = "UPDATE jobs SET proof_required = $2 WHERE id = $1";
        client.execute(proof, &[&job.id.0, &group.proof_required]).await.unwrap();
        world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
        world.service.plan_job(job.id, 100).await.unwrap();
        let devices = client.query("SELECT uuid, id FROM devices", &[]).await.unwrap();
        let devices: HashMap<String, i64> = devices.iter().map(|row| (row.get(0), row.get(1))).collect();
        let runner = |(case, uuid): (Case, String)| {
            let id = CommandId { job: job.id, device: DeviceId(devices[&uuid]) };
            Runner { case, uuid, id, recorded: None, cancelled: None, told: (false, false) }
        };
        let runners = cases.into_iter().zip(uuids).map(runner).collect();
        Self { world, group, job, runners }
    }

    /// Returns a line for each case that did not come to what the document says.
    pub(crate) async fn run(mut self, tables: &Tables) -> Vec<String> {
        self.races(|case| case.stands == S::Planned).await;
        self.set_off().await;
        self.races(|case| case.stands != S::Planned).await;
        let wrong = self.compare(tables).await;
        self.finish().await;
        wrong
    }

    /// Starts the job, and brings the commands to their attempt and state.
    async fn set_off(&mut self) {
        let service = &self.world.service;
        service.start_job(&self.world.product, self.job.id, None).await.unwrap();
        service.plan_job(self.job.id, 100).await.unwrap();
        self.world.take_outbox().await;
        if self.group.attempt == 2 {
            self.say(|_| Some(report_of(ReportStatus::Failed, 1))).await;
        }
        let sent = self.devices(|case| !matches!(case.stands, S::Planned | S::Queued));
        assert_eq!(service.record_sent(&self.job, self.group.attempt, &sent).await.unwrap(), [0; 0]);
        let attempt = self.group.attempt;
        self.say(|case| {
            let status = match case.stands {
                S::Downloading => ReportStatus::Downloading,
                S::Downloaded => ReportStatus::Downloaded,
                S::Installing => ReportStatus::Installing,
                S::Verifying => ReportStatus::Succeeded,
                _ => return None,
            };
            Some(report_of(status, attempt))
        })
        .await;
    }

    /// The cancel, the report, and what lies between them.
    async fn races(&mut self, which: fn(Case) -> bool) {
        self.tell_story(|case| which(case) && case.when == When::Before).await;
        for mode in [CancelMode::Soft, CancelMode::Force] {
            let told = self.cancel(mode, |case| which(case) && case.mode == mode).await;
            self.note(|runner| runner.told.0 |= told.contains(&runner.id));
        }
        for (mode, when) in [(CancelMode::Soft, When::Cancelling), (CancelMode::Force, When::ForcedSince)] {
            let first: Vec<_> = self.runners.iter().map(|runner| runner.cancelled).collect();
            let told = self.cancel(mode, |case| which(case) && case.when == when).await;
            self.note(|runner| runner.told.1 |= told.contains(&runner.id));
            self.runners.iter_mut().zip(first).for_each(|(runner, first)| runner.cancelled = first);
        }
        let attempt = self.group.attempt;
        self.say(|case| {
            let status = match case.when {
                When::Confirmed => ReportStatus::Cancelled,
                When::Refused => ReportStatus::CancelRefused,
                _ => return None,
            };
            which(case).then(|| report_of(status, attempt))
        })
        .await;
        self.pass_deadlines(|case| which(case) && case.when == When::DeadlinePassed).await;
        self.tell_story(|case| which(case) && case.when != When::Before).await;
    }

    /// What the devices of some cases report, or that they never do.
    async fn tell_story(&mut self, which: impl Fn(Case) -> bool) {
        let attempt = self.group.attempt;
        let recorded = self
            .say(|case| {
                let (status, version) = match case.said {
                    Said::Report(ReportStatus::Succeeded) => (ReportStatus::Succeeded, Some("2.0".to_owned())),
                    Said::Report(status) => (status, None),
                    Said::Unproven => (ReportStatus::Succeeded, None),
                    Said::Nothing => return None,
                };
                let report = report_of(status, if case.of_older { attempt - 1 } else { attempt });
                which(case).then_some(DeviceReport { firmware_version: version, ..report })
            })
            .await;
        self.note(|runner| runner.recorded = recorded.get(&runner.id).copied().or(runner.recorded));
        self.pass_deadlines(|case| which(case) && case.said == Said::Nothing).await;
    }

    /// Cancels the commands of some cases. Returns those whose devices are told.
    async fn cancel(&mut self, mode: CancelMode, which: impl Fn(Case) -> bool) -> HashSet<CommandId> {
        let service = &self.world.service;
        self.world.take_outbox().await;
        let ids: Vec<CommandId> = self.runners.iter().filter(|r| which(r.case)).map(|r| r.id).collect();
        let results: HashMap<_, _> = service.cancel_each(&ids, mode, "me").await.unwrap().into_iter().collect();
        assert_eq!(results.len(), ids.len());
        self.note(|runner| runner.cancelled = results.get(&runner.id).copied().or(runner.cancelled));
        let mut told = HashSet::new();
        for (_, body) in self.world.take_outbox().await {
            let message = DispatchCommands::decode(&body, "").unwrap();
            assert_eq!(message.action, DispatchAction::Cancel);
            for addressee in service.load_dispatch(&message).await.unwrap().unwrap().addressees {
                assert_eq!(addressee.attempt, self.group.attempt);
                assert!(told.insert(CommandId { job: self.job.id, device: addressee.device }), "told twice");
            }
        }
        told
    }

    /// Has devices report, in one batch. Returns how each report was recorded.
    async fn say(&self, what: impl Fn(Case) -> Option<DeviceReport>) -> HashMap<CommandId, Recorded> {
        let (ids, reports): (Vec<CommandId>, Vec<DeviceReport>) = self
            .runners
            .iter()
            .filter_map(|runner| {
                let said = what(runner.case)?;
                let about = DeviceReport { command_id: runner.id.to_i64(), device_uuid: runner.uuid.clone(), ..said };
                Some((runner.id, about))
            })
            .unzip();
        ids.into_iter().zip(self.world.service.record_reports(&reports).await.unwrap()).collect()
    }

    /// Lets the deadlines of some commands pass, and nobody else's.
    async fn pass_deadlines(&self, which: impl Fn(Case) -> bool) {
        let client = self.world.client().await;
        let pass = "UPDATE commands SET deadline_at = now() - interval '1 s'
            WHERE job_id = $1 AND device_id = ANY($2) AND deadline_at IS NOT NULL";
        client.execute(pass, &[&self.job.id.0, &self.devices(which)]).await.unwrap();
        client.execute("UPDATE timers SET fire_at = now() WHERE job_id = $1", &[&self.job.id.0]).await.unwrap();
        self.world.serve_timers().await;
    }

    async fn compare(&self, tables: &Tables) -> Vec<String> {
        let rows = self
            .world
            .client()
            .await
            .query(
                "SELECT c.device_id, c.state, c.attempt, c.cancel_refused,
                        array_agg(o.attempt) FILTER (WHERE o.attempt IS NOT NULL), array_agg(o.outcome) FILTER (WHERE o.attempt IS NOT NULL)
                 FROM commands c LEFT JOIN outcomes o USING (job_id, device_id) WHERE c.job_id = $1
                 GROUP BY c.job_id, c.device_id",
                &[&self.job.id.0],
            )
            .await
            .unwrap();
        let mut standings = HashMap::new();
        for row in rows {
            let attempts: Vec<i16> = row.get::<_, Option<_>>(4).unwrap_or_default();
            let outcomes: Vec<String> = row.get::<_, Option<_>>(5).unwrap_or_default();
            let standing = Standing {
                state: S::parse(row.get(1)).unwrap(),
                attempt: row.get(2),
                cancel_refused: row.get(3),
                outcomes: attempts.into_iter().zip(outcomes).collect(),
            };
            standings.insert(row.get::<_, i64>(0), standing);
        }
        let wrong = |runner: &Runner| {
            let actual = Expected {
                recorded: runner.recorded,
                cancelled: runner.cancelled.unwrap(),
                told: runner.told,
                standing: standings[&runner.id.device.0].clone(),
            };
            let expected = Expected::of(self.group, runner.case, tables);
            (actual != expected)
                .then(|| format!("{:?} {:?}\n  is {actual:?}\n  not {expected:?}", self.group, runner.case))
        };
        self.runners.iter().filter_map(wrong).collect()
    }

    /// Lets everything come to its end by itself: what is being cancelled ends as cancelled, whatever became of it.
    async fn finish(&self) {
        let client = self.world.client().await;
        let cancelling = "SELECT array_agg(device_id) FROM commands WHERE job_id = $1 AND state = 'cancelling'";
        let cancelling: Option<Vec<i64>> = client.query_one(cancelling, &[&self.job.id.0]).await.unwrap().get(0);
        client.execute("UPDATE jobs SET expires_at = now() WHERE id = $1", &[&self.job.id.0]).await.unwrap();
        // A try that is left may be made, but has no time.
        for _ in 0..2 {
            self.pass_deadlines(|_| true).await;
        }
        let cancelled =
            "SELECT count(*) FROM commands WHERE job_id = $1 AND device_id = ANY($2) AND state = 'cancelled'";
        let cancelling = cancelling.unwrap();
        let cancelled: i64 = client.query_one(cancelled, &[&self.job.id.0, &cancelling]).await.unwrap().get(0);
        assert_eq!(cancelled, i64::try_from(cancelling.len()).unwrap());
        assert_eq!(self.world.service.finish_jobs().await.unwrap(), 1);
    }

    fn devices(&self, which: impl Fn(Case) -> bool) -> Vec<i64> {
        self.runners.iter().filter(|runner| which(runner.case)).map(|runner| runner.id.device.0).collect()
    }

    fn note(&mut self, what: impl FnMut(&mut Runner)) {
        self.runners.iter_mut().for_each(what);
    }
}

fn report_of(status: ReportStatus, attempt: i16) -> DeviceReport {
    report("", 0, attempt, status)
}
