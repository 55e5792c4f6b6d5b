//! An exporter that says once that the collector is away, and once that it is back.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use drover_telemetry::{Label, Metric};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

const SPANS: &str = "drover_trace_spans_total";

/// The metrics of this module.
pub(crate) const METRICS: &[Metric] = &[Metric::counter(
    SPANS,
    &[Label::words("result", &["exported", "lost"])],
    "Spans sent to the collector of traces, and those it did not take; all are 0 while traces are off",
)];

/// See the module.
#[derive(Debug)]
pub(super) struct Watched<E> {
    exporter: E,
    is_failing: AtomicBool,
}

impl<E> Watched<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, is_failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    /// Never fails: the library would say so with every batch.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let exported = self.exporter.export(batch).await;
        let result = if exported.is_ok() { "exported" } else { "lost" };
        metrics::counter!(SPANS, "result" => result).increment(spans);
        let was_failing = self.is_failing.swap(exported.is_err(), Ordering::Relaxed);
        match exported {
            Err(problem) if !was_failing => {
                tracing::warn!(%problem, "the collector takes no traces: spans are lost until it does");
            }
            Ok(()) if was_failing => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
