//! `drover simulate`: a fleet on the broker that `AMQP_URL` names.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Simulate,
    config::Config,
    fleet::{Fleet, FleetOptions},
    installation::broker_of,
    process::asked_to_stop,
    startup,
    system::SystemEntropy,
};

pub(crate) async fn run(config: Config, args: &Simulate) -> anyhow::Result<ExitCode> {
    if config.amqp.url.is_none() {
        bail!("simulated devices listen on a broker: set AMQP_URL");
    }
    let broker = broker_of(&config)?;
    let stop = CancellationToken::new();
    tokio::select! {
        declared = startup::declare_topology(&broker, &SystemEntropy) => declared?,
        () = asked_to_stop() => return Ok(ExitCode::SUCCESS),
    }
    let late_after = Duration::from_secs(config.workers.attempt_timeout_s + 3);
    let options =
        FleetOptions { devices: args.devices, prefix: args.prefix.clone(), ..args.behaviour.fleet(late_after) };
    let fleet = tokio::select! {
        fleet = Fleet::listen(broker.clone(), options) => fleet?,
        () = asked_to_stop() => return Ok(ExitCode::SUCCESS),
    };
    tracing::info!(devices = args.devices, prefix = args.prefix, "simulated devices listen");
    let stopper = stop.clone();
    let (report, ()) = tokio::join!(fleet.run(stop), async move {
        asked_to_stop().await;
        stopper.cancel();
    });
    broker.close().await;
    println!("{report:#?}");
    Ok(ExitCode::SUCCESS)
}
