//! Where spans and traces meet. A crate makes spans with `tracing` as ever; here it says which trace a span goes on, and asks
//! under which id the span is exported. Who exports, the program decides: [`install`]. As long as nobody does, all of this
//! is one look at an empty place.

use std::sync::OnceLock;

use tracing::Span;

use crate::TraceContext;

/// What exports spans.
pub trait SpanExport: Send + Sync {
    /// Puts a span that has not been entered below a span of elsewhere.
    fn adopt(&self, span: &Span, parent: TraceContext);
    /// Says that a span has to do with one of another trace.
    fn link(&self, span: &Span, other: TraceContext);
    /// Names a span.
    fn name(&self, span: &Span, name: String);
    /// Notes something about a span.
    fn note(&self, span: &Span, key: &'static str, value: Value);
    /// Says that what the span is about failed.
    fn fail(&self, span: &Span, problem: String);
    /// The id under which a span is exported. From then on its parent is settled.
    fn context(&self, span: &Span) -> Option<TraceContext>;
}

/// A value of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// What a span is in a trace that spans processes. Its span needs an empty field `otel.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Answers a call.
    Server,
    /// Sends a message.
    Producer,
    /// Handles messages.
    Consumer,
    /// Anything else.
    Internal,
}

static EXPORT: OnceLock<Box<dyn SpanExport>> = OnceLock::new();

/// Exports spans from now on. Once a process: `false` when somebody does already.
pub fn install(export: Box<dyn SpanExport>) -> bool {
    EXPORT.set(export).is_ok()
}

/// Whether spans are exported.
pub fn are_exported() -> bool {
    EXPORT.get().is_some()
}

/// Begins a span that has not been entered: below `parent`, which may be another process's, or below the span around it.
/// Returns the id under which it is exported, for whatever it causes elsewhere.
pub fn begin(span: &Span, kind: SpanKind, parent: Option<TraceContext>) -> Option<TraceContext> {
    let export = EXPORT.get()?;
    let kind = match kind {
        SpanKind::Server => "server",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    };
    span.record("otel.kind", kind);
    if let Some(parent) = parent {
        export.adopt(span, parent);
    }
    export.context(span)
}

/// Names a span as an observer wants to find it. The name is made only when there is one.
pub fn name(span: &Span, name: impl FnOnce() -> String) {
    if let Some(export) = EXPORT.get() {
        export.name(span, name());
    }
}

/// Notes something about a span for whoever looks at its trace, by OpenTelemetry's names where it has one.
pub fn note(span: &Span, key: &'static str, value: impl Into<Value>) {
    if let Some(export) = EXPORT.get() {
        export.note(span, key, value.into());
    }
}

/// Says that what a span is about failed.
pub fn fail(span: &Span, problem: impl FnOnce() -> String) {
    if let Some(export) = EXPORT.get() {
        export.fail(span, problem());
    }
}

/// Says that a span has to do with one of another trace.
pub fn link(span: &Span, other: TraceContext) {
    if let Some(export) = EXPORT.get() {
        export.link(span, other);
    }
}

/// The id under which the span around the caller is exported.
pub fn current() -> Option<TraceContext> {
    let export = EXPORT.get()?;
    let span = Span::current();
    if span.is_none() { None } else { export.context(&span) }
}

/// What a message about a job says is its cause: the span around the caller where it is of the job's trace, and otherwise
/// what the job remembers. A call of a trace of its own, which starts a job or cancels it, is linked with the job's.
pub fn cause(remembered: &str) -> String {
    let (Some(here), Ok(job)) = (current(), remembered.parse::<TraceContext>()) else { return remembered.to_owned() };
    if here.is_same_trace(job) {
        return here.to_string();
    }
    link(&Span::current(), job);
    remembered.to_owned()
}
