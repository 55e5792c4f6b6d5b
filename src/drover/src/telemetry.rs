//! Logs, metrics and traces of the process.

pub(crate) mod metrics;
mod traces;

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Log, LogFormat, Traces};
pub(crate) use metrics::start as start_metrics;
pub(crate) use traces::flush as flush_traces;

/// The AMQP client shows whole messages when they are returned, and a command holds a signed link. What the libraries
/// say at their usual level, our own layers say better. A filter that names one of them wins.
const ALWAYS: &str = "lapin=error,lapin::returned_messages=off,apalis_core=warn,refinery_core=warn,tokio_postgres=warn,\
    opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry_otlp=warn,opentelemetry-otlp=warn";
/// Sends logs to standard error, and spans to a collector where one is named.
pub(crate) fn start_logs(log: &Log, traces: Option<&Traces>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{ALWAYS},{}", log.filter))
        .context("log.filter is not a filter of the form target=level,…")?;
    // A line that cannot be written, because the disk is full, is lost. Saying so on standard error would panic, and break
    // off whatever call or message just said something.
    let lines = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    let started = match traces.and_then(|traces| Some((traces, traces.otlp_url.as_deref()?))) {
        // Off, the filter is everybody's, which costs a span that nobody logs next to nothing.
        None => tracing_subscriber::registry().with(lines).with(filter).try_init(),
        Some((traces, otlp_url)) => {
            let exported = traces::layer(traces, otlp_url)?;
            tracing_subscriber::registry().with(lines.with_filter(filter)).with(exported).try_init()
        }
    };
    started.map_err(|error| anyhow::anyhow!("logs are started twice: {error}"))
}
