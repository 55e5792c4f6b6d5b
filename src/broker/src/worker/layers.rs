//! The innermost service, which calls the handler, and the layers that apalis does not bring.

use std::{
    any::Any,
    convert::Infallible,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use apalis::layers::catch_panic::PanicError;
use apalis_core::task::Task;
use drover_messages::TraceContext;
use drover_telemetry::spans::{self, SpanKind};
use futures_util::{FutureExt, future::BoxFuture};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field, instrument::Instrumented};

use crate::{Batch, Disposition, Handler};

/// Traces that a batch's span is linked with; a batch of reports may be about more jobs.
const MAX_LINKS: usize = 32;

/// Calls the handler with the task's batch.
#[derive(Debug)]
pub(super) struct HandlerService<H, M> {
    handler: Arc<H>,
    message: PhantomData<fn(M)>,
}

impl<H, M> HandlerService<H, M> {
    pub(super) fn new(handler: Arc<H>) -> Self {
        Self { handler, message: PhantomData }
    }
}

impl<H: Handler<M>, M: Send + 'static> Service<Task<Batch<M>>> for HandlerService<H, M> {
    type Response = Vec<Disposition>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Vec<Disposition>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Batch<M>>) -> Self::Future {
        let handler = Arc::clone(&self.handler);
        async move { Ok(handler.handle(task.args).await) }.boxed()
    }
}

/// A caught panic as an error that keeps its message.
#[allow(clippy::borrowed_box)] // apalis gives it so
pub(super) fn panic_error(panic: &Box<dyn Any + Send>) -> PanicError {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    PanicError(message.unwrap_or("no message").to_owned())
}

/// A span around each batch, with the trace that its first delivery belongs to.
#[derive(Debug, Clone)]
pub(super) struct SpanLayer {
    worker: Arc<str>,
}

impl SpanLayer {
    pub(super) fn new(worker: &str) -> Self {
        Self { worker: worker.into() }
    }
}

impl<S> Layer<S> for SpanLayer {
    type Service = SpanService<S>;

    fn layer(&self, service: S) -> SpanService<S> {
        SpanService { service, worker: Arc::clone(&self.worker) }
    }
}

/// See [`SpanLayer`].
#[derive(Debug, Clone)]
pub(super) struct SpanService<S> {
    service: S,
    worker: Arc<str>,
}

impl<S: Service<Task<Batch<M>>>, M> Service<Task<Batch<M>>> for SpanService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, task: Task<Batch<M>>) -> Self::Future {
        let batch = &task.args;
        let (queue, deliveries) = (batch.queue, batch.len());
        let span = tracing::info_span!(
            "handle",
            worker = &*self.worker,
            %queue,
            deliveries,
            trace_id = field::Empty,
            otel.kind = field::Empty
        );
        let first = batch.first().and_then(|delivery| delivery.trace);
        if let Some(trace) = first {
            span.record("trace_id", trace.trace_id());
        }
        if spans::are_exported() {
            export(&span, batch);
        }
        self.service.call(task).instrument(span)
    }
}

/// A batch of one goes on the trace of its delivery. A larger one is a trace of its own, which is linked with those of its
/// deliveries.
fn export<M>(span: &Span, batch: &Batch<M>) {
    let queue = batch.queue.to_string();
    let mut traces: Vec<TraceContext> = batch.iter().filter_map(|delivery| delivery.trace).collect();
    let parent = if batch.len() == 1 { traces.pop() } else { None };
    traces.sort_unstable_by_key(|trace| trace.parts());
    traces.dedup_by(|a, b| a.is_same_trace(*b));
    for trace in traces.into_iter().take(MAX_LINKS) {
        spans::link(span, trace);
    }
    spans::begin(span, SpanKind::Consumer, parent);
    spans::name(span, || format!("process {queue}"));
    spans::note(span, "messaging.system", "rabbitmq");
    spans::note(span, "messaging.operation.type", "process");
    spans::note(span, "messaging.destination.name", queue);
    spans::note(span, "messaging.batch.message_count", batch.len());
}
