//! `drover bench`: a campaign against `DATABASE_URL` and `AMQP_URL`, measured.

use std::process::ExitCode;

use anyhow::bail;

use crate::{
    bench::{self, BenchContext, BenchOptions},
    cli::Bench,
    config::Config,
    installation::Installation,
    startup,
};

pub(crate) async fn run(config: Config, args: &Bench) -> anyhow::Result<ExitCode> {
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
    let report = bench::run(context, BenchOptions { devices: args.devices }).await?;
    broker.close().await;
    Ok(if report.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
