//! `drover bench --checks`: how many checks for updates the TOP gateway answers.
//!
//! An ingress in a process of its own is asked by turns for `/healthz`, which does nothing, and for checks, over the same
//! connections: what else the machine does hits both, so that their ratio says what a check costs above any call at all.
//! The load comes from this process, beside the server and the database.

mod answer;
mod call;
mod caller;
mod scene;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, anyhow, ensure};
use drover_service::Service;
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    figures::{median, per_second, percentile_ms},
    rounded,
    usage::Usage,
    worker::{Place, Worker},
};
use crate::{campaign::Console, process::asked_to_stop};
use caller::{Asked, Caller, Tally, Until};

/// What the measured process does.
const ROLES: &str = "ingress";
/// How long calls under way may take at the end of a round.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take until each device has checked once.
const LAP_LIMIT: Duration = Duration::from_hours(1);

/// Where the benchmark takes place.
pub(crate) struct CheckContext {
    /// The use cases.
    pub(crate) service: Service,
    /// The folder that the measured process shares with this one.
    pub(crate) data_dir: PathBuf,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckOptions {
    /// Enrolled devices.
    pub(crate) devices: usize,
    /// Those of them that check.
    pub(crate) asking: usize,
    /// Published packages.
    pub(crate) packages: usize,
    /// Packages that each device says it has; the others are new to it.
    pub(crate) named: usize,
    /// The share of devices that have one package in an older version.
    pub(crate) outdated: f64,
    /// Connections, one call at a time on each.
    pub(crate) connections: usize,
    /// Rounds of each kind.
    pub(crate) rounds: usize,
    /// How long a round is.
    pub(crate) round: Duration,
}

/// What was measured. The last line of the output is this as JSON. Rates and the ratio are medians of the rounds; times are
/// those of all calls of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct CheckReport {
    /// Enrolled devices.
    pub(crate) devices: usize,
    /// Those of them that check.
    pub(crate) asking: usize,
    /// Published packages.
    pub(crate) packages: usize,
    /// Packages that each device says it has.
    pub(crate) named: usize,
    /// Connections.
    pub(crate) connections: usize,
    /// Checks in a second.
    pub(crate) checks_per_s: f64,
    /// Calls of `/healthz` in a second.
    pub(crate) healthz_per_s: f64,
    /// Checks for each call of `/healthz`.
    pub(crate) ratio: f64,
    /// Half of the checks took no longer.
    pub(crate) check_p50_ms: f64,
    /// 99 of 100 checks took no longer.
    pub(crate) check_p99_ms: f64,
    /// 99 of 100 calls of `/healthz` took no longer.
    pub(crate) healthz_p99_ms: f64,
    /// CPU time of the measured process for a check.
    pub(crate) server_cpu_us_per_check: f64,
    /// CPU time of the measured process for a call of `/healthz`.
    pub(crate) server_cpu_us_per_healthz: f64,
    /// Checks in a second while each device checked for the first time.
    pub(crate) first_checks_per_s: f64,
    /// The most memory that the measured process ever had.
    pub(crate) peak_rss_mb: f64,
    /// Answers that were not what they had to be.
    pub(crate) errors: usize,
}

/// Runs the benchmark. The measured process ends with it, however it ends.
pub(crate) async fn run(context: CheckContext, options: CheckOptions) -> anyhow::Result<CheckReport> {
    ensure!(options.asking > 0 && options.connections > 0 && options.rounds > 0, "a benchmark needs one of each");
    ensure!(options.named <= options.packages, "a device cannot have more packages than there are");
    let console = Console::new(false);
    let mut worker = Worker::start(&context.data_dir, ROLES)?;
    let place = worker.place.clone();
    let measured = tokio::select! {
        measured = measure(&context.service, &place, options, console) => measured,
        error = worker.ended() => Err(error),
        () = asked_to_stop() => Err(anyhow!("interrupted")),
    };
    let ended = worker.end().await;
    let report = measured?;
    ended?;
    console.say(&serde_json::to_string(&report)?);
    Ok(report)
}

async fn measure(
    service: &Service,
    place: &Place,
    options: CheckOptions,
    console: Console,
) -> anyhow::Result<CheckReport> {
    place.wait_until_ready().await?;
    let CheckOptions { devices, asking, packages, named, rounds, .. } = options;
    console.note(&format!("publishing {packages} packages, enrolling {devices} devices"));
    let scene = scene::prepare(service, options).await?;
    let mut callers = Vec::with_capacity(options.connections);
    for devices in scene.shares(options.connections) {
        callers.push(Caller::connect(place.address, devices).await?);
    }
    let connections = callers.len();
    let mut load = Load { callers, pid: place.pid, wrong: 0, console };

    let first = load.calls(Asked::Check, Until::EachOnce).await?;
    ensure!(load.wrong == 0, "{} of the first answers were wrong", load.wrong);
    console.note(&format!("each of {asking} devices has checked once: {:.0} checks/s", first.per_s));
    let (mut health, mut checks, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=rounds {
        let [healthz, checked] = [
            load.calls(Asked::Health, Until::After(options.round)).await?,
            load.calls(Asked::Check, Until::After(options.round)).await?,
        ];
        let ratio = checked.per_s / healthz.per_s;
        console.note(&format!(
            "{number} of {rounds}: {:.0} healthz/s, {:.0} checks/s, ratio {ratio:.3}",
            healthz.per_s, checked.per_s
        ));
        ratios.push(ratio);
        health.push(healthz);
        checks.push(checked);
    }
    let peak_rss_mb = rounded(f64::from(Usage::of(place.pid)?.peak_rss_kib) / 1024.0);
    let (health, checks) = (Rounds::of(health)?, Rounds::of(checks)?);
    Ok(CheckReport {
        devices,
        asking,
        packages,
        named,
        connections,
        checks_per_s: rounded(checks.per_s),
        healthz_per_s: rounded(health.per_s),
        ratio: rounded(median(ratios)),
        check_p50_ms: rounded(checks.p50_ms),
        check_p99_ms: rounded(checks.p99_ms),
        healthz_p99_ms: rounded(health.p99_ms),
        server_cpu_us_per_check: rounded(checks.cpu_us),
        server_cpu_us_per_healthz: rounded(health.cpu_us),
        first_checks_per_s: rounded(first.per_s),
        peak_rss_mb,
        errors: load.wrong,
    })
}

/// Everybody who calls.
struct Load {
    callers: Vec<Caller>,
    /// Who answers.
    pid: u32,
    /// Wrong answers so far.
    wrong: usize,
    console: Console,
}

/// What was seen of one round.
struct Round {
    per_s: f64,
    took_us: Vec<u32>,
    cpu: Duration,
}

impl Load {
    /// Makes calls on all connections at once.
    async fn calls(&mut self, asked: Asked, until: Until) -> anyhow::Result<Round> {
        let limit = match until {
            Until::After(time) => time + CALL_LIMIT,
            Until::EachOnce => LAP_LIMIT,
        };
        let (before, started) = (Usage::of(self.pid)?, Instant::now());
        let mut calling = JoinSet::new();
        for mut caller in self.callers.drain(..) {
            calling.spawn(async move { caller.run(asked, until).await.map(|tally| (caller, tally)) });
        }
        let ended = timeout(limit, calling.join_all()).await;
        let (seconds, after) = (started.elapsed().as_secs_f64(), Usage::of(self.pid)?);
        let mut took_us = Vec::new();
        for ended in ended.context("the server does not answer any more")? {
            let (caller, Tally { took_us: took, wrong, example }) = ended?;
            took_us.extend(took);
            if let Some(example) = example.filter(|_| self.wrong == 0) {
                self.console.note(&format!("WRONG answer: {example}"));
            }
            self.wrong += wrong;
            self.callers.push(caller);
        }
        Ok(Round { per_s: per_second(took_us.len(), seconds)?, took_us, cpu: after.cpu.saturating_sub(before.cpu) })
    }
}

/// What was seen of all rounds of a kind.
struct Rounds {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
}

impl Rounds {
    fn of(rounds: Vec<Round>) -> anyhow::Result<Self> {
        let cpu: Duration = rounds.iter().map(|round| round.cpu).sum();
        let per_s = median(rounds.iter().map(|round| round.per_s).collect());
        let mut took_us: Vec<u32> = rounds.into_iter().flat_map(|round| round.took_us).collect();
        took_us.sort_unstable();
        let calls = u32::try_from(took_us.len()).context("too many calls")?;
        let cpu_us = cpu.as_secs_f64() * 1e6 / f64::from(calls.max(1));
        Ok(Self { per_s, p50_ms: percentile_ms(&took_us, 50), p99_ms: percentile_ms(&took_us, 99), cpu_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_the_keys_that_were_agreed() {
        let report = CheckReport {
            devices: 100_000,
            asking: 5000,
            packages: 200,
            named: 200,
            connections: 64,
            checks_per_s: 9000.5,
            healthz_per_s: 18_000.0,
            ratio: 0.5,
            check_p50_ms: 6.5,
            check_p99_ms: 12.25,
            healthz_p99_ms: 7.0,
            server_cpu_us_per_check: 80.0,
            server_cpu_us_per_healthz: 30.0,
            first_checks_per_s: 4000.0,
            peak_rss_mb: 61.5,
            errors: 0,
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"devices":100000,"asking":5000,"packages":200,"named":200,"connections":64,"checks_per_s":9000.5,"healthz_per_s":18000.0,"ratio":0.5,"check_p50_ms":6.5,"check_p99_ms":12.25,"healthz_p99_ms":7.0,"server_cpu_us_per_check":80.0,"server_cpu_us_per_healthz":30.0,"first_checks_per_s":4000.0,"peak_rss_mb":61.5,"errors":0}"#
        );
    }

    #[test]
    fn rounds_are_put_together() {
        let round = |per_s, took_us: &[u32], cpu_ms| Round {
            per_s,
            took_us: took_us.to_vec(),
            cpu: Duration::from_millis(cpu_ms),
        };
        let rounds = Rounds::of(vec![round(30.0, &[3000], 1), round(10.0, &[1000, 2000], 5), round(20.0, &[], 0)]);
        let Rounds { per_s, p50_ms, p99_ms, cpu_us } = rounds.unwrap();
        assert_eq!((rounded(per_s), rounded(p50_ms), rounded(p99_ms), rounded(cpu_us)), (20.0, 2.0, 3.0, 2000.0));
    }
}
