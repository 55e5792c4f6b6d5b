//! The visible campaign of `make up` and `drover demo`: a vendor's whole way, from the upload to the table of outcomes.
//!
//! Everything that a vendor can do goes through the signed HTTP API. Tenant, product, credential and devices, which an
//! operator makes, go through the service. How soon silent devices are given up is the installation's
//! `workers.attempt_timeout_s`: LwM2M tasks, of which this is one, name no time of their own.

mod console;
mod course;
mod results;
mod setup;
pub(crate) mod table;

use std::time::Duration;

use anyhow::Context;
use drover_broker::Broker;
use drover_domain::JobId;
use drover_service::{JobHistory, JobProgress, Service, Violation};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{AepClient, EVERYONE},
    fleet::{Fleet, FleetOptions, FleetReport},
};

pub(crate) use console::Console;
pub(crate) use course::Course;
pub(crate) use setup::{OPERATOR, Prepared, prepare};

use course::Glance;

/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long is waited for the last answers, given after their job had ended, to be recorded.
const EVIDENCE_LIMIT: Duration = Duration::from_secs(5);
/// How long is waited for the devices that answer after their job has ended.
const DRAIN_LIMIT: Duration = Duration::from_mins(1);
/// Status codes of LwM2M subtasks that ended badly, by the step at which they did.
const FAILED_AT: [(u8, &str); 4] = [(1, "feasibility"), (3, "assigning"), (5, "downloading"), (7, "installing")];
/// Devices shown of each.
const SHOWN: u32 = 3;

/// Where a campaign takes place.
pub(crate) struct CampaignContext {
    /// The use cases, for what an operator does.
    pub(crate) service: Service,
    /// The broker on which the devices listen.
    pub(crate) broker: Broker,
    /// Where the API is.
    pub(crate) base_url: String,
    /// Whether somebody watches a terminal.
    pub(crate) interactive: bool,
}

/// What a campaign is like.
#[derive(Debug, Clone)]
pub(crate) struct CampaignOptions {
    /// Simulated devices.
    pub(crate) devices: usize,
    /// How they behave; their names, their number and that they tell of their progress is the campaign's.
    pub(crate) fleet: FleetOptions,
}

/// How a campaign went.
#[derive(Debug, Clone)]
pub(crate) struct CampaignReport {
    /// How the commands ended.
    pub(crate) outcomes: JobProgress,
    /// What they went through.
    pub(crate) history: JobHistory,
    /// From the start to the last outcome.
    pub(crate) elapsed: Duration,
    /// What the devices did.
    pub(crate) fleet: FleetReport,
    /// What the oracle found wrong.
    pub(crate) violations: Vec<Violation>,
}

/// Runs a campaign and shows it.
pub(crate) async fn run(context: CampaignContext, options: CampaignOptions) -> anyhow::Result<CampaignReport> {
    let CampaignContext { service, broker, base_url, interactive } = context;
    let console = Console::new(interactive);
    let devices = options.devices;
    console.say(&format!("Enrolling {devices} simulated devices and uploading a firmware …"));
    let prepared = prepare(&service, &base_url, "demo", devices).await?;
    let Prepared { client, job, .. } = &prepared;
    let task = client.task(job.0).await?;
    console.say(&format!(
        "Task {job} \"{}\" brings firmware {} to product \"{}\".",
        task.job_name, task.firmware_version, task.product_name
    ));

    let fleet = fleet_options(options.fleet, &prepared, devices);
    let fleet = Fleet::listen(broker, fleet).await?;
    let stop = CancellationToken::new();
    // Also when the campaign ends early: nobody listens for a fleet without a campaign.
    let stops_fleet = stop.clone().drop_guard();
    let fleet = tokio::spawn(fleet.run(stop));
    client.join(job.0, &[EVERYONE], OPERATOR).await?;
    client.start(job.0).await?;

    let started = Instant::now();
    let mut bar = console.bar(devices);
    let course = Course { service: &service, job: *job, devices, look: LOOK };
    let outcomes = course.until_ended(|progress| bar.show(&Glance::of(progress, started.elapsed()))).await?;
    let elapsed = started.elapsed();
    bar.finish();
    finished(client, *job).await?;

    drop(stops_fleet);
    console.say("Every command has its outcome. Waiting for the devices that answer late …");
    let fleet = fleet.await.context("the simulated fleet panicked")?;
    let history = evidence(&service, *job, &fleet).await?;
    let violations = service.check().await?.violations;
    let report = CampaignReport { outcomes, history, elapsed, fleet, violations };
    results::print(console, &report, devices);
    print_examples(console, client, *job).await?;
    results::print_verdict(console, &report.violations);
    Ok(report)
}

/// The fleet of this campaign. It goes home when nothing is due any more: late devices answer after their job has ended.
fn fleet_options(fleet: FleetOptions, prepared: &Prepared, devices: usize) -> FleetOptions {
    FleetOptions { prefix: prepared.prefix.clone(), devices, progress: true, drain: DRAIN_LIMIT, ..fleet }
}

/// Waits until the API calls the task finished too: the timekeeper notices the last outcome at its next round.
async fn finished(client: &AepClient, job: JobId) -> anyhow::Result<()> {
    let given_up = Instant::now() + EVIDENCE_LIMIT;
    loop {
        let task = client.detail(job.0).await?;
        if task.is_finished() {
            tracing::debug!(job = %job, devices = task.all_num, took = task.take_time, "the API calls the task finished");
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < given_up,
            "every command has ended, but the API does not call task {job} finished"
        );
        sleep(LOOK).await;
    }
}

/// What the job went through, once what the devices said last is recorded.
async fn evidence(service: &Service, job: JobId, fleet: &FleetReport) -> anyhow::Result<JobHistory> {
    let given_up = Instant::now() + EVIDENCE_LIMIT;
    let expected = i64::try_from(fleet.sent.repeated + fleet.sent.late).unwrap_or(i64::MAX);
    loop {
        let history = service.job_history(job).await?;
        // A late answer that came just in time is no evidence; what is missing is not waited for without end.
        if history.duplicates + history.late >= expected || Instant::now() >= given_up {
            return Ok(history);
        }
        sleep(LOOK).await;
    }
}

/// Some of the devices that did not make it, as the API tells of them.
async fn print_examples(console: Console, client: &AepClient, job: JobId) -> anyhow::Result<()> {
    for (status, step) in FAILED_AT {
        let page = client.details(job.0, status, SHOWN).await?;
        if page.total > 0 {
            let devices: Vec<String> =
                page.list.iter().map(|task| format!("{} ({})", task.device_id, task.result_code)).collect();
            let more = if page.total > i64::from(SHOWN) { ", …" } else { "" };
            console.say(&format!("{} ended while {step}: {}{more}", page.total, devices.join(", ")));
        }
    }
    Ok(())
}
