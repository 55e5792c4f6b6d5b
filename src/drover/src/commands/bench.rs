//! `drover bench`: a campaign against `DATABASE_URL` and `AMQP_URL`, with and without viewers, or checks for updates against
//! `DATABASE_URL`, measured.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;

use crate::{
    bench::{
        self, BenchContext, BenchOptions,
        checks::{self, CheckContext, CheckOptions},
        viewers::{self, ViewerOptions},
    },
    cli::Bench,
    config::Config,
    installation::Installation,
    startup,
};

pub(crate) async fn run(config: Config, args: &Bench) -> anyhow::Result<ExitCode> {
    if args.checks {
        return run_checks(config, args).await;
    }
    if config.amqp.url.is_none() {
        bail!("the benchmark measures RabbitMQ's way too: set DATABASE_URL and AMQP_URL");
    }
    let installation = Installation::shared(config)?;
    startup::migrate(&installation.store, installation.entropy.as_ref()).await?;
    let broker = installation.broker()?;
    startup::declare_topology(&broker, installation.entropy.as_ref()).await?;
    let context = BenchContext {
        service: installation.service.clone(),
        store: installation.store.clone(),
        broker: broker.clone(),
        data_dir: installation.config.data_dir.clone(),
    };
    let violations = if let Some(viewers) = args.viewers {
        let options = ViewerOptions { devices: args.devices, viewers: viewers.get(), turns: args.turns };
        viewers::run(context, options).await?.violations
    } else {
        bench::run(context, BenchOptions { devices: args.devices }).await?.violations
    };
    broker.close().await;
    Ok(if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_checks(config: Config, args: &Bench) -> anyhow::Result<ExitCode> {
    let installation = Installation::shared(config)?;
    startup::migrate(&installation.store, installation.entropy.as_ref()).await?;
    let context =
        CheckContext { service: installation.service.clone(), data_dir: installation.config.data_dir.clone() };
    let load = &args.check;
    let options = CheckOptions {
        devices: args.devices,
        asking: load.asking.min(args.devices),
        packages: load.packages,
        named: load.named.unwrap_or(load.packages),
        outdated: load.outdated,
        connections: load.connections,
        rounds: load.rounds,
        round: Duration::from_secs(load.seconds),
    };
    let report = checks::run(context, options).await?;
    Ok(if report.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
