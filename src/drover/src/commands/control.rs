//! `drover pause`, `resume`, `cancel --job` and `retry`: what is done to whole jobs, see docs/control.md.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::bail;
use drover_domain::JobId;
use drover_service::{Actor, Affected, Control, JobStanding, RetryFilter};

use crate::{
    cli::{JobArgs, Retry},
    config::Config,
    installation::Installation,
    system,
};

/// Whoever runs this command, as the audit knows them.
pub(super) fn actor() -> Actor {
    Actor::command_line(system::account_name())
}

/// What follows from each step, for whoever is to decide.
struct Words {
    /// What happens to the devices, as `will be tried again`.
    happens: &'static str,
    /// What happened to the job, as `is paused`.
    happened: &'static str,
}

pub(super) async fn pause(config: Config, args: &JobArgs) -> anyhow::Result<ExitCode> {
    let words = Words { happens: "wait until the job is resumed", happened: "is paused" };
    step(config, args.job, Control::Pause, &words, (true, args.json)).await
}

pub(super) async fn resume(config: Config, args: &JobArgs) -> anyhow::Result<ExitCode> {
    let words = Words { happens: "waited and go on", happened: "runs again" };
    step(config, args.job, Control::Resume, &words, (true, args.json)).await
}

pub(super) async fn cancel(config: Config, job: JobId, how: (bool, bool)) -> anyhow::Result<ExitCode> {
    let words = Words { happens: "are stopped for good", happened: "is cancelled" };
    step(config, job, Control::Cancel, &words, how).await
}

pub(super) async fn retry(config: Config, args: Retry) -> anyhow::Result<ExitCode> {
    let filter = RetryFilter { states: args.state, code: args.code };
    let words = Words { happens: "are tried again", happened: "runs again" };
    step(config, args.job.job, Control::Retry(filter), &words, (args.yes, args.job.json)).await
}

/// Asks if it is meant, unless that was said already, and does it.
async fn step(
    config: Config,
    job: JobId,
    what: Control,
    words: &Words,
    (is_meant, json): (bool, bool),
) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let done = asked_and_done(&installation, job, &what, words, is_meant).await;
    installation.close().await?;
    let Some(standing) = done? else { return Ok(ExitCode::FAILURE) };
    if json {
        println!(
            "{}",
            serde_json::json!({
                "job": standing.job.0,
                "kind": standing.kind.as_str(),
                "state": standing.state.as_str(),
                "devices": standing.devices,
            })
        );
    } else {
        println!("job {job} {}: {} devices {}", words.happened, standing.devices, words.happens);
    }
    Ok(ExitCode::SUCCESS)
}

/// `None`: it is not meant.
async fn asked_and_done(
    installation: &Installation,
    job: JobId,
    what: &Control,
    words: &Words,
    is_meant: bool,
) -> anyhow::Result<Option<JobStanding>> {
    let (service, actor) = (&installation.service, actor());
    if !is_meant {
        let affected = service.affected(&actor, job, what).await?;
        if !io::stdin().is_terminal() {
            bail!("{} of job {job}: say --yes if that is meant", in_words(affected, words));
        }
        if !confirmed(&format!("{} of job {job}", in_words(affected, words)))? {
            return Ok(None);
        }
    }
    Ok(Some(match what {
        Control::Pause => service.pause_job(&actor, job).await?,
        Control::Resume => service.resume_job(&actor, job).await?,
        Control::Cancel => service.cancel_job(&actor, job).await?,
        Control::Retry(filter) => service.retry_failed(&actor, job, filter).await?,
    }))
}

fn in_words(affected: Affected, words: &Words) -> String {
    let at_most = if affected.is_at_most { "at most " } else { "" };
    format!("{at_most}{} devices {}", affected.devices, words.happens)
}

/// Whether somebody at a terminal means it.
fn confirmed(what: &str) -> io::Result<bool> {
    let mut out = io::stderr().lock();
    write!(out, "{what}. Go on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
