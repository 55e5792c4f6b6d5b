//! `drover up`: every role in one process, with a database and a broker of its own where none are named.

use std::process::ExitCode;

use drover_workers::Roles;

use super::{demo, watching};
use crate::{
    cli::{Behaviour, Up},
    config::Config,
    installation::Installation,
    listeners::Listeners,
    process::Process,
    startup, telemetry,
};

/// Longer than the slowest device of the demonstration takes.
const ATTEMPT_TIMEOUT_S: u64 = 4;

pub(crate) async fn run(mut config: Config, args: &Up) -> anyhow::Result<ExitCode> {
    if args.demo {
        demo::hurry(&mut config, ATTEMPT_TIMEOUT_S);
    }
    let metrics = telemetry::start_metrics()?;
    let listen = config.http.listen;
    if listen.ip().is_unspecified() && config.http.public_url.is_none() {
        tracing::warn!(%listen, "devices elsewhere cannot download: set http.public_url (DROVER_HTTP__PUBLIC_URL)");
    }
    // First of all: a second `drover up` must not get as far as the database.
    let listeners = Listeners::bind(&config.http, &Roles::all()).await?;
    let mut installation = Installation::exclusive(config).await?;
    let broker = installation.broker()?;
    let process = Process::start(&installation, listeners, broker.clone(), Roles::all(), metrics)?;
    let stop = process.stop_token();
    // Asked to stop while the database is still waited for, it goes straight on to the end.
    let migrate = startup::migrate(&installation.store, installation.entropy.as_ref());
    if let Some(Err(error)) = stop.run_until_cancelled(migrate).await {
        installation.close().await?;
        return Err(error);
    }
    let base_url = format!("http://{}", process.address);
    let mut watch = format!("{base_url}/ui      the dashboard, for operators that `drover operator add` makes");
    if args.demo {
        match watching::Watcher::prepare(&installation.service).await {
            Ok(watcher) => {
                watch = watcher.words(&base_url);
                println!("Watch it at {watch}\n");
            }
            Err(error) => tracing::error!(%error, "nobody can watch on the dashboard"),
        }
        let behaviour = Behaviour {
            failure_rate: 0.05,
            silence_rate: 0.02,
            duplicate_rate: 0.02,
            late_rate: 0.01,
            ..Behaviour::demo()
        };
        let campaign = demo::campaign(&installation, &broker, &base_url, args.devices, &behaviour);
        // What goes wrong in the campaign is shown; the installation stays up to be looked at.
        if let Some(Err(error)) = stop.run_until_cancelled(campaign).await {
            tracing::error!(%error, "the campaign failed");
        }
    }
    if !stop.is_cancelled() {
        println!(
            "\nDrover is up. Look at:\n  {watch}\n  {base_url}/readyz   what it depends on\n  {base_url}/metrics  what it does\n  {base_url}/openapi  what can be called\n  docs/api  how to call it\nCtrl-C ends it; its data stays in {}.",
            installation.config.data_dir.display()
        );
    }
    let result = process.run_to_end().await;
    installation.close().await?;
    result.map(|()| ExitCode::SUCCESS)
}
