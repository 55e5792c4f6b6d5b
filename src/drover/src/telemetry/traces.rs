//! Export of spans to an OpenTelemetry collector. Nobody else in the workspace knows OpenTelemetry: the other crates make
//! spans with `tracing` and say what they are by `drover_telemetry::spans`.

mod watched;

use std::{sync::OnceLock, time::Duration};

use anyhow::Context as _;
use drover_telemetry::{
    TraceContext,
    spans::{self, SpanExport, Value},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};

use crate::config::Traces;
pub(super) use watched::METRICS;
use watched::Watched;

/// Spans that wait for the collector; more are thrown away. About a kilobyte each.
const QUEUE: usize = 8192;
/// Spans sent together.
const BATCH: usize = 512;
/// How long a span waits for others to be sent with it.
const BATCH_WAIT: Duration = Duration::from_secs(1);
/// How long the collector may take for a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the process stays at its end for spans that wait.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The layer that exports the spans of our own crates to the collector. Whether a trace is recorded, whoever began it
/// decided; of those that begin here, a share of `traces.sample_permille` is.
pub(super) fn layer<S>(traces: &Traces, otlp_url: &str) -> anyhow::Result<impl Layer<S> + use<S>>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", otlp_url.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .context("traces.otlp_url names no collector that could be sent to")?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(BATCH_WAIT)
        .build();
    #[allow(clippy::cast_precision_loss)] // at most 1,000
    let share = traces.sample_permille as f64 / 1000.0;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "drover"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(Watched::new(exporter)).with_batch_config(batches).build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
        .with_resource(resource)
        .build();
    let exporting = provider.tracer("drover");
    anyhow::ensure!(
        PROVIDER.set(provider).is_ok() && spans::install(Box::new(OpenTelemetry)),
        "traces are exported already"
    );
    let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
        .with_tracer(exporting)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    // Steps inside the store are of interest in a trace, and too many for a log.
    Ok(layer.with_filter(
        Targets::new().with_target("drover", LevelFilter::INFO).with_target("drover_store", LevelFilter::DEBUG),
    ))
}

/// Sends what waits, if the collector takes it in time. To be called at the process's end.
pub(crate) async fn flush() {
    let Some(provider) = PROVIDER.get() else { return };
    let flushed = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(FLUSH_LIMIT));
    // Twice: the thread may hang in a call of its own, and the process must end.
    match tokio::time::timeout(2 * FLUSH_LIMIT, flushed).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(problem))) => tracing::warn!(%problem, "some of the last spans were not exported"),
        Ok(Err(_)) | Err(_) => tracing::warn!("some of the last spans were not exported"),
    }
}

/// Spans of `tracing` as OpenTelemetry's.
struct OpenTelemetry;

fn foreign(context: TraceContext) -> SpanContext {
    let (trace, span, flags) = context.parts();
    let (trace, span) = (TraceId::from(trace), SpanId::from(span));
    SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::NONE)
}

impl SpanExport for OpenTelemetry {
    fn adopt(&self, span: &Span, parent: TraceContext) {
        if let Err(problem) = span.set_parent(Context::new().with_remote_span_context(foreign(parent))) {
            tracing::debug!(%problem, "a span stays outside of its trace");
        }
    }

    fn link(&self, span: &Span, other: TraceContext) {
        span.add_link(foreign(other));
    }

    fn name(&self, span: &Span, name: String) {
        span.context().span().update_name(name);
    }

    fn note(&self, span: &Span, key: &'static str, value: Value) {
        match value {
            Value::Text(text) => span.set_attribute(key, text),
            Value::Number(number) => span.set_attribute(key, number),
        }
    }

    fn fail(&self, span: &Span, problem: String) {
        span.set_status(Status::error(problem));
    }

    fn context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let ids = span.span_context();
        let (trace, span) =
            (u128::from_be_bytes(ids.trace_id().to_bytes()), u64::from_be_bytes(ids.span_id().to_bytes()));
        ids.is_valid().then(|| TraceContext::from_parts(trace, span, ids.trace_flags().to_u8()))
    }
}
