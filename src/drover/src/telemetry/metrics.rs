//! The metrics of the process itself, and all metrics together.

use std::time::Duration;

use anyhow::Context as _;
use drover_telemetry::{Label, Metric};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds; from a quick statement to a device's night.
const DURATION_BUCKETS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0];
/// Deliveries, devices.
const SIZE_BUCKETS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];
/// How often the exporter tidies up what it has collected, and the system is asked about the process.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of this crate.
const METRICS: &[Metric] = &[
    Metric::gauge(
        "drover_build_info",
        &[Label::bounded("version", "the one version of the program")],
        "1; the label says which version runs",
    ),
    Metric::gauge(
        "drover_dependency_up",
        &[Label::words("dependency", &["broker", "database", "files"])],
        "1 while what the process cannot do without answers, else 0: what /readyz says",
    ),
];

/// What each crate declares.
const DECLARED: [&[Metric]; 7] = [
    METRICS,
    super::traces::METRICS,
    drover_ingress::METRICS,
    drover_service::METRICS,
    drover_workers::METRICS,
    drover_broker::METRICS,
    drover_store::METRICS,
];

fn builder() -> anyhow::Result<PrometheusBuilder> {
    let mut builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &DURATION_BUCKETS)?;
    for size in ["_deliveries", "_devices"] {
        builder = builder.set_buckets_for_metric(Matcher::Suffix(size.into()), &SIZE_BUCKETS)?;
    }
    Ok(builder)
}

/// Tells the recorder what there is to record.
fn describe() {
    for metrics in DECLARED {
        drover_telemetry::describe(metrics);
    }
    metrics::gauge!("drover_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Starts to collect metrics. Must be called in a runtime.
pub(crate) fn start() -> anyhow::Result<PrometheusHandle> {
    let handle = builder()?.install_recorder().context("metrics are collected already")?;
    describe();
    let process = metrics_process::Collector::default();
    process.describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            process.collect();
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Notes whether something answers that the process cannot do without.
pub(crate) fn dependency(name: &'static str, is_up: bool) {
    metrics::gauge!("drover_dependency_up", "dependency" => name).set(if is_up { 1.0 } else { 0.0 });
}

#[cfg(test)]
mod tests;
