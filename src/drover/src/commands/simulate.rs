//! `drover simulate`: a fleet on the broker that `AMQP_URL` names, or one whose devices log in themselves.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use drover_broker::Broker;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Over, Simulate},
    config::{Config, Http},
    fleet::{self, DeviceToken, Fleet, FleetOptions},
    installation::broker_of,
    process::asked_to_stop,
    startup,
    system::{SystemEntropy, raise_open_files},
};

pub(crate) async fn run(config: Config, args: &Simulate) -> anyhow::Result<ExitCode> {
    let late_after = Duration::from_secs(config.workers.attempt_timeout_s + 3);
    let options = FleetOptions {
        devices: args.devices,
        prefix: args.prefix.clone(),
        drop_rate: args.drop_rate,
        ..args.behaviour.fleet(late_after)
    };
    let over = format!("{:?}", args.over).to_lowercase();
    match args.over {
        Over::Broker => {
            if config.amqp.url.is_none() {
                bail!(
                    "simulated devices listen on a broker: set AMQP_URL, or let them log in with --over mqtt or --over poll"
                );
            }
            if args.drop_rate > 0.0 {
                bail!("devices on the broker share one connection, so --drop-rate needs --over mqtt or --over poll");
            }
            let broker = broker_of(&config)?;
            let ended = play(listen(&broker, options), &over).await;
            broker.close().await;
            ended
        }
        Over::Mqtt => play(Fleet::connect(&args.mqtt_url, devices(args)?, options), &over).await,
        Over::Poll => play(Fleet::call(&http_url(&config, args)?, devices(args)?, options), &over).await,
    }
}

/// Those that log in, each with a connection of its own.
fn devices(args: &Simulate) -> anyhow::Result<Vec<DeviceToken>> {
    let Some(file) = &args.tokens else { bail!("devices that log in themselves need --tokens") };
    raise_open_files();
    fleet::tokens_from(file, &args.prefix, args.devices)
        .with_context(|| format!("{} is not a file of tokens", file.display()))
}

fn http_url(config: &Config, args: &Simulate) -> anyhow::Result<reqwest::Url> {
    if let Some(url) = &args.http_url {
        return Ok(url.clone());
    }
    let Http { listen, public_url, .. } = &config.http;
    let url = public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
    url.parse().context("http.public_url is not a URL")
}

async fn listen(broker: &Broker, options: FleetOptions) -> anyhow::Result<Fleet> {
    startup::declare_topology(broker, &SystemEntropy).await?;
    Fleet::listen(broker.clone(), options).await
}

/// Plays a fleet once it listens, until this process is asked to end.
async fn play(listening: impl Future<Output = anyhow::Result<Fleet>>, over: &str) -> anyhow::Result<ExitCode> {
    let fleet = tokio::select! {
        fleet = listening => fleet?,
        () = asked_to_stop() => return Ok(ExitCode::SUCCESS),
    };
    tracing::info!(over, "simulated devices listen");
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let (report, ()) = tokio::join!(fleet.run(stop), async move {
        asked_to_stop().await;
        stopper.cancel();
    });
    println!("{report:#?}");
    Ok(ExitCode::SUCCESS)
}
