//! `drover bench --viewers`: what open dashboards cost a campaign.
//!
//! The same campaign is run by turns without viewers and with them, in the one worker process, which answers the viewers too.
//! Every second pair of turns is the other way round, so that a machine or a database that becomes slower as time goes by
//! speaks for neither. The viewers' own side is in this process, beside the devices.

mod audience;

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::{BenchContext, Measured, ROLES, Run, figures::median, rounded, violations, worker::Worker};
use crate::{campaign::Console, process::asked_to_stop};
use audience::Audience;

/// The most devices of the campaign that is run before anything is measured.
const WARM_UP_MAX: usize = 10_000;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewerOptions {
    /// Devices of each campaign.
    pub(crate) devices: usize,
    /// Dashboards that are open, half of them on the overview, half on the job's page.
    pub(crate) viewers: usize,
    /// Campaigns of each kind.
    pub(crate) turns: u8,
}

/// What was measured. The last line of the output is this as JSON. Rates and the ratio are of the medians of the turns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ViewerReport {
    /// Devices of each campaign.
    pub(crate) devices: usize,
    /// Dashboards that were open.
    pub(crate) viewers: usize,
    /// Devices in a second, of each campaign that nobody looked at.
    pub(crate) alone: Vec<f64>,
    /// Devices in a second, of each campaign that was looked at.
    pub(crate) watched: Vec<f64>,
    /// How fast the campaigns that were looked at were, in parts of the others.
    pub(crate) ratio: f64,
    /// CPU time of the worker process for a campaign that nobody looked at.
    pub(crate) cpu_alone_s: f64,
    /// CPU time of the worker process for a campaign that was looked at.
    pub(crate) cpu_watched_s: f64,
    /// Pieces of pages that the viewers were sent, in a second and all together.
    pub(crate) updates_per_s: f64,
    /// Streams that ended before they should have.
    pub(crate) streams_lost: u64,
    /// The most memory that the worker process ever had.
    pub(crate) peak_rss_mb: f64,
    /// What the oracle found wrong, over all jobs of the database.
    pub(crate) violations: usize,
}

/// Runs the benchmark. The worker process ends with it, however it ends.
pub(crate) async fn run(context: BenchContext, options: ViewerOptions) -> anyhow::Result<ViewerReport> {
    anyhow::ensure!(options.devices > 0, "a benchmark needs a device at least");
    let console = Console::new(false);
    let mut worker = Worker::start(&context.data_dir, ROLES)?;
    let place = worker.place.clone();
    let measured = tokio::select! {
        measured = measure(Run { context: &context, worker: &place, console }, options) => measured,
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

/// What all campaigns of a kind took.
#[derive(Debug, Default)]
struct Turns {
    devices_per_s: Vec<f64>,
    cpu_s: Vec<f64>,
    seconds: f64,
    peak_rss_kib: u32,
}

impl Turns {
    fn add(&mut self, devices: u32, measured: &Measured) {
        self.devices_per_s.push(f64::from(devices) / measured.seconds);
        self.cpu_s.push(measured.cpu.as_secs_f64());
        self.seconds += measured.seconds;
        self.peak_rss_kib = self.peak_rss_kib.max(measured.peak_rss_kib);
    }
}

async fn measure(run: Run<'_>, options: ViewerOptions) -> anyhow::Result<ViewerReport> {
    let ViewerOptions { devices, viewers, turns } = options;
    let count = u32::try_from(devices).context("too many devices")?;
    run.worker.wait_until_ready().await?;
    let audience = Audience::sign_in(&run.context.service, &run.worker.base_url).await?;
    let warm_up = devices.min(WARM_UP_MAX);
    run.campaign(run.prepare(warm_up).await?, warm_up).await?;
    let (mut alone, mut watched, mut updates, mut lost) = (Turns::default(), Turns::default(), 0, 0);
    for turn in 0..turns {
        let first_is_watched = turn % 2 == 1;
        for is_watched in [first_is_watched, !first_is_watched] {
            let prepared = run.prepare(devices).await?;
            if is_watched {
                let looking = audience.look(prepared.job, viewers).await?;
                let measured = run.campaign(prepared, devices).await?;
                let seen = looking.end().await?;
                run.console.note(&format!("{viewers} viewers were sent {} updates", seen.updates));
                updates += seen.updates;
                lost += seen.lost;
                watched.add(count, &measured);
            } else {
                alone.add(count, &run.campaign(prepared, devices).await?);
            }
        }
    }
    let all = |values: &[f64]| values.iter().copied().map(rounded).collect();
    let updates = u32::try_from(updates).unwrap_or(u32::MAX);
    Ok(ViewerReport {
        devices,
        viewers,
        alone: all(&alone.devices_per_s),
        watched: all(&watched.devices_per_s),
        ratio: rounded(median(watched.devices_per_s) / median(alone.devices_per_s)),
        cpu_alone_s: rounded(median(alone.cpu_s)),
        cpu_watched_s: rounded(median(watched.cpu_s)),
        updates_per_s: rounded(f64::from(updates) / watched.seconds),
        streams_lost: lost,
        peak_rss_mb: rounded(f64::from(alone.peak_rss_kib.max(watched.peak_rss_kib)) / 1024.0),
        violations: 0,
    })
}
