//! What each command does. Results go to standard output, logs to standard error.
#![allow(clippy::print_stdout)]

mod audit;
mod bench;
mod cancel;
mod check;
mod control;
mod dead_letters;
mod demo;
mod device;
mod device_tokens;
mod enrolment;
mod import;
mod jobs;
mod migrate;
mod operators;
mod queues;
mod serve;
mod simulate;
mod up;
mod watching;
mod words;
mod workers;

use std::process::ExitCode;

use crate::{
    cli::{Cli, Command, Global},
    config::{self, Config, Overrides},
    telemetry,
};

/// Runs the command. The answer is the process's exit code: 0 done, 1 not done or a fault found.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let result = run_command(cli).await;
    telemetry::flush_traces().await;
    result
}

async fn run_command(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    match command {
        Command::Up(args) => {
            up::run(load_to_work(&global, args.listen, if args.demo { Log::Quiet } else { Log::Full })?, &args).await
        }
        Command::Serve(args) => serve::run(load_to_work(&global, args.listen, Log::Full)?, args.roles).await,
        Command::Migrate => migrate::run(load(&global, None, Log::Quiet)?).await,
        Command::Demo(args) => demo::run(load_to_work(&global, None, Log::Quiet)?, &args).await,
        Command::Simulate(args) => simulate::run(load(&global, None, Log::Full)?, &args).await,
        Command::Cancel(args) => cancel::run(load(&global, None, Log::Quiet)?, &args).await,
        Command::Device(args) => device::run(load(&global, None, Log::Quiet)?, &args).await,
        Command::Jobs(args) => jobs::list(load(&global, None, Log::Quiet)?, &args).await,
        Command::Job(args) => jobs::show(load(&global, None, Log::Quiet)?, &args).await,
        Command::Queues(args) => queues::run(load(&global, None, Log::Quiet)?, args).await,
        Command::DeadLetters(args) => dead_letters::run(load(&global, None, Log::Quiet)?, args).await,
        Command::Workers(args) => workers::run(load(&global, None, Log::Quiet)?, args).await,
        Command::Pause(args) => control::pause(load(&global, None, Log::Quiet)?, &args).await,
        Command::Resume(args) => control::resume(load(&global, None, Log::Quiet)?, &args).await,
        Command::Retry(args) => control::retry(load(&global, None, Log::Quiet)?, args).await,
        Command::Audit(args) => audit::run(load(&global, None, Log::Quiet)?, &args).await,
        Command::Check(args) => check::run(load(&global, None, Log::Quiet)?, &args).await,
        Command::Tenant(command) => enrolment::tenant(load(&global, None, Log::Quiet)?, command).await,
        Command::Operator(command) => operators::run(load(&global, None, Log::Quiet)?, command).await,
        Command::Product(command) => enrolment::product(load(&global, None, Log::Quiet)?, command).await,
        Command::Credential(command) => enrolment::credential(load(&global, None, Log::Quiet)?, command).await,
        Command::Import(command) => import::run(load(&global, None, Log::Quiet)?, command).await,
        Command::Bench(args) => bench::run(load(&global, None, Log::Quiet)?, &args).await,
    }
}

/// How much is logged unless somebody says otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    /// What the configuration says.
    Full,
    /// Only what is wrong: the command has something else to show.
    Quiet,
}

/// The configuration, with what the command line says on top, and logs started by it.
fn load(global: &Global, listen: Option<std::net::SocketAddr>, log: Log) -> anyhow::Result<Config> {
    let config = configuration(global, listen, log)?;
    telemetry::start_logs(&config.log, None)?;
    Ok(config)
}

/// The same for a process that plays roles, whose spans may be exported too.
fn load_to_work(global: &Global, listen: Option<std::net::SocketAddr>, log: Log) -> anyhow::Result<Config> {
    let config = configuration(global, listen, log)?;
    telemetry::start_logs(&config.log, Some(&config.traces))?;
    Ok(config)
}

fn configuration(global: &Global, listen: Option<std::net::SocketAddr>, log: Log) -> anyhow::Result<Config> {
    let mut overrides = Overrides::new(global.config.clone())
        .set("data_dir", global.data.as_ref().map(|data| data.to_string_lossy().into_owned()))
        .set("log.filter", global.log.clone())
        .set("http.listen", listen.map(|listen| listen.to_string()));
    if log == Log::Quiet {
        overrides = overrides.fall_back_to("log.filter", "warn");
    }
    Ok(config::load(&overrides)?)
}
