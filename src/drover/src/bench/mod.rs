//! `drover bench`: one campaign against a real database and broker, measured.
//!
//! The worker roles and the ingress run in a process of their own, whose CPU time and memory are read from `/proc`. The
//! devices, in this process, answer at once, so that what is measured is Drover.

pub(crate) mod checks;
mod figures;
mod usage;
pub(crate) mod viewers;
mod worker;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, anyhow};
use drover_broker::Broker;
use drover_service::Service;
use drover_store::{Store, stats};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    campaign::{Console, Course, OPERATOR, Prepared, prepare},
    client::EVERYONE,
    fleet::{Fleet, FleetOptions},
    process::asked_to_stop,
};
use usage::Usage;
use worker::{Place, Worker};

/// What the measured process does: everything.
const ROLES: &str = "ingress,plan,dispatch,ingest,timekeep,relay";
/// How often the rows are looked at: often enough to see the end, too rarely to be in the way.
const LOOK: Duration = Duration::from_millis(50);
/// How often the progress is told.
const TELL: Duration = Duration::from_secs(1);

/// Where a benchmark takes place.
pub(crate) struct BenchContext {
    /// The use cases.
    pub(crate) service: Service,
    /// The database.
    pub(crate) store: Store,
    /// The broker.
    pub(crate) broker: Broker,
    /// The folder that the worker process shares with this one.
    pub(crate) data_dir: PathBuf,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BenchOptions {
    /// Devices of the campaign.
    pub(crate) devices: usize,
}

/// What was measured. The last line of the output is this as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct BenchReport {
    /// Devices of the campaign.
    pub(crate) devices: usize,
    /// From the calls that let everyone join and start the task to the last outcome.
    pub(crate) seconds: f64,
    /// Devices in a second.
    pub(crate) devices_per_s: f64,
    /// CPU time of the worker process meanwhile.
    pub(crate) worker_cpu_s: f64,
    /// The most memory that the worker process ever had.
    pub(crate) peak_rss_mb: f64,
    /// What the database wrote to its log.
    pub(crate) wal_bytes_per_device: i64,
    /// What the oracle found wrong, over all jobs of the database.
    pub(crate) violations: usize,
}

/// Runs the benchmark. The worker process ends with it, however it ends.
pub(crate) async fn run(context: BenchContext, options: BenchOptions) -> anyhow::Result<BenchReport> {
    anyhow::ensure!(options.devices > 0, "a benchmark needs a device at least");
    let console = Console::new(false);
    let mut worker = Worker::start(&context.data_dir, ROLES)?;
    let place = worker.place.clone();
    let measured = tokio::select! {
        measured = measure(&context, &place, options.devices, console) => measured,
        error = worker.ended() => Err(error),
        () = asked_to_stop() => Err(anyhow!("interrupted")),
    };
    let ended = worker.end().await;
    let mut report = measured?;
    ended?;
    report.violations = violations(&context, console).await?;
    console.say(&serde_json::to_string(&report)?);
    Ok(report)
}

async fn measure(
    context: &BenchContext,
    worker: &Place,
    devices: usize,
    console: Console,
) -> anyhow::Result<BenchReport> {
    worker.wait_until_ready().await?;
    let run = Run { context, worker, console };
    let prepared = run.prepare(devices).await?;
    let wal_before = wal_bytes(&context.store).await?;
    let Measured { seconds, cpu, peak_rss_kib } = run.campaign(prepared, devices).await?;
    let wal_after = wal_bytes(&context.store).await?;
    let count = u32::try_from(devices).context("too many devices")?;
    Ok(BenchReport {
        devices,
        seconds: rounded(seconds),
        devices_per_s: rounded(f64::from(count) / seconds),
        worker_cpu_s: rounded(cpu.as_secs_f64()),
        peak_rss_mb: rounded(f64::from(peak_rss_kib) / 1024.0),
        wal_bytes_per_device: (wal_after - wal_before) / i64::from(count),
        violations: 0,
    })
}

/// Campaigns on a worker process that is ready.
#[derive(Clone, Copy)]
struct Run<'a> {
    context: &'a BenchContext,
    worker: &'a Place,
    console: Console,
}

/// What a campaign took.
struct Measured {
    /// From the calls that let everyone join and start the task to the last outcome.
    seconds: f64,
    /// CPU time of the worker process meanwhile.
    cpu: Duration,
    /// The most memory that the worker process ever had.
    peak_rss_kib: u32,
}

impl Run<'_> {
    /// Makes a campaign that nobody has joined.
    async fn prepare(self, devices: usize) -> anyhow::Result<Prepared> {
        self.console.note(&format!("enrolling {devices} devices"));
        prepare(&self.context.service, &self.worker.base_url, "bench", devices).await
    }

    /// Runs it to its end.
    async fn campaign(self, prepared: Prepared, devices: usize) -> anyhow::Result<Measured> {
        let Self { context: BenchContext { service, broker, .. }, worker, console } = self;
        let Prepared { prefix, client, job } = prepared;
        let fleet = Fleet::listen(broker.clone(), FleetOptions { prefix, devices, ..FleetOptions::default() }).await?;
        let stop = CancellationToken::new();
        let stops_fleet = stop.clone().drop_guard();
        let fleet = tokio::spawn(fleet.run(stop));

        let (usage_before, started) = (Usage::of(worker.pid)?, Instant::now());
        client.join(job.0, &[EVERYONE], OPERATOR).await?;
        client.start(job.0).await?;
        let mut tell_at = started + TELL;
        let course = Course { service, job, devices, look: LOOK };
        let tell = |progress: &drover_service::JobProgress| {
            if Instant::now() >= tell_at {
                tell_at += TELL;
                let seconds = started.elapsed().as_secs_f64();
                console.note(&format!("{} of {devices} after {seconds:.1} s", progress.ended()));
            }
        };
        course.until_ended(tell).await?;
        let (seconds, usage_after) = (started.elapsed().as_secs_f64(), Usage::of(worker.pid)?);

        drop(stops_fleet);
        let sent = fleet.await.context("the simulated fleet panicked")?.sent;
        anyhow::ensure!(sent.failures == 0, "{} reports could not be published", sent.failures);
        let cpu = usage_after.cpu.saturating_sub(usage_before.cpu);
        Ok(Measured { seconds, cpu, peak_rss_kib: usage_after.peak_rss_kib })
    }
}

/// What the oracle finds wrong, over all jobs of the database; it is told, too.
async fn violations(context: &BenchContext, console: Console) -> anyhow::Result<usize> {
    let violations = context.service.check().await?.violations;
    for violation in &violations {
        let examples = violation.examples.join("; ");
        console.note(&format!("VIOLATION in job {}: {}: {examples}", violation.job, violation.rule));
    }
    Ok(violations.len())
}

async fn wal_bytes(store: &Store) -> anyhow::Result<i64> {
    Ok(stats::wal_bytes(&store.client().await?).await?)
}

/// To thousandths: the rest is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_the_keys_that_were_agreed() {
        let report = BenchReport {
            devices: 10_000,
            seconds: rounded(4.123_456),
            devices_per_s: 2425.1,
            worker_cpu_s: 3.2,
            peak_rss_mb: 61.5,
            wal_bytes_per_device: 2100,
            violations: 0,
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"devices":10000,"seconds":4.123,"devices_per_s":2425.1,"worker_cpu_s":3.2,"peak_rss_mb":61.5,"wal_bytes_per_device":2100,"violations":0}"#
        );
    }
}
