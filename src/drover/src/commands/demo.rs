//! `drover demo`: the campaign of `make up` in one process that ends.

use std::{io::IsTerminal, net::Ipv4Addr, process::ExitCode, time::Duration};

use drover_broker::Broker;
use drover_workers::Roles;
use tokio::net::TcpListener;

use crate::{
    campaign::{self, CampaignContext, CampaignOptions, CampaignReport},
    cli::{Behaviour, Demo},
    config::Config,
    fleet::FleetOptions,
    installation::Installation,
    listeners::Listeners,
    process::Process,
    startup, telemetry,
};

pub(crate) async fn run(mut config: Config, args: &Demo) -> anyhow::Result<ExitCode> {
    hurry(&mut config, args.attempt_timeout_s);
    // Any port: a demonstration gets in nobody's way.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    config.http.listen = listener.local_addr()?;
    let metrics = telemetry::start_metrics()?;
    let mut installation = Installation::exclusive(config).await?;
    let result = in_process(&installation, listener, args, metrics).await;
    installation.close().await?;
    let is_clean = result?.violations.is_empty();
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn in_process(
    installation: &Installation,
    listener: TcpListener,
    args: &Demo,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> anyhow::Result<CampaignReport> {
    startup::migrate(&installation.store, installation.entropy.as_ref()).await?;
    let broker = installation.broker()?;
    let process =
        Process::start(installation, Listeners::public_only(listener), broker.clone(), Roles::all(), metrics)?;
    let base_url = format!("http://{}", process.address);
    let stop = process.stop_token();
    let campaign = async {
        let campaign = campaign(installation, &broker, &base_url, args.devices, &args.behaviour);
        let result = stop.run_until_cancelled(campaign).await;
        stop.cancel();
        result.unwrap_or_else(|| Err(anyhow::anyhow!("interrupted")))
    };
    let (report, ended) = tokio::join!(campaign, process.run_to_end());
    ended?;
    report
}

/// Runs the campaign against this process's own HTTP.
pub(crate) async fn campaign(
    installation: &Installation,
    broker: &Broker,
    base_url: &str,
    devices: usize,
    behaviour: &Behaviour,
) -> anyhow::Result<CampaignReport> {
    startup::wait_for_schema(&installation.store, installation.entropy.as_ref()).await?;
    let context = CampaignContext {
        service: installation.service.clone(),
        broker: broker.clone(),
        base_url: base_url.to_owned(),
        interactive: std::io::stderr().is_terminal(),
    };
    // Late means after its deadline was noticed, on a machine with other things to do too: a report that overtakes the
    // timekeeper is in time.
    let allowed_s = installation.config.workers.attempt_timeout_s;
    let late_after = Duration::from_secs(allowed_s + allowed_s.max(3));
    let options = CampaignOptions { devices, fleet: behaviour.fleet(late_after) };
    campaign::run(context, options).await
}

/// Shortens what nobody wants to watch: devices here answer in seconds, so silence is told from slowness in seconds too.
pub(crate) fn hurry(config: &mut Config, attempt_timeout_s: u64) {
    config.workers.attempt_timeout_s = attempt_timeout_s;
    config.workers.dispatch_lease_s = 5;
    config.workers.retry_backoff_base_s = 1;
    config.workers.retry_backoff_max_s = 2;
}

impl Behaviour {
    /// Quick devices that do nothing wrong.
    pub(crate) fn demo() -> Self {
        Self {
            failure_rate: 0.0,
            silence_rate: 0.0,
            duplicate_rate: 0.0,
            late_rate: 0.0,
            refusal_rate: 0.0,
            latency_min_ms: 50,
            latency_max_ms: 1500,
            download_sample: 0.02,
            seed: 1,
        }
    }

    /// The fleet that behaves so.
    pub(crate) fn fleet(&self, late_after: Duration) -> FleetOptions {
        FleetOptions {
            failure_rate: self.failure_rate,
            silence_rate: self.silence_rate,
            duplicate_rate: self.duplicate_rate,
            late_rate: self.late_rate,
            refusal_rate: self.refusal_rate,
            latency_min: Duration::from_millis(self.latency_min_ms),
            latency_max: Duration::from_millis(self.latency_max_ms.max(self.latency_min_ms)),
            download_sample: self.download_sample,
            late_after: Some(late_after),
            seed: self.seed,
            ..FleetOptions::default()
        }
    }
}
