//! A collector of traces: the edge that cannot run here. It speaks OTLP over HTTP as the specification's own message types say,
//! and keeps what it is sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use drover_ingress::ServeOptions;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span as Exported,
};
use prost::Message as _;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A span as the collector got it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the root of a trace.
    pub(crate) parent: String,
    /// 1 internal, 2 server, 4 producer, 5 consumer.
    pub(crate) kind: i32,
    pub(crate) links: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Of the process that sent it.
    pub(crate) process: String,
    pub(crate) service: String,
}

/// Ends with the test.
pub(crate) struct Collector {
    pub(crate) url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    server: JoinHandle<()>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener)
    }

    pub(crate) fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let server = tokio::spawn(async move {
            drover_ingress::serve(listener, router, ServeOptions::default(), CancellationToken::new()).await.unwrap();
        });
        Self { url, spans, server }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(spans): State<Arc<Mutex<Vec<Span>>>>, body: Bytes) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for from in request.resource_spans {
        let resource = attributes(&from.resource.unwrap().attributes);
        for exported in from.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.lock().unwrap().push(span(exported, &resource));
        }
    }
    ExportTraceServiceResponse::default().encode_to_vec()
}

fn span(exported: Exported, resource: &BTreeMap<String, String>) -> Span {
    assert!(exported.end_time_unix_nano >= exported.start_time_unix_nano);
    Span {
        name: exported.name,
        trace: hex(&exported.trace_id),
        id: hex(&exported.span_id),
        parent: hex(&exported.parent_span_id),
        kind: exported.kind,
        links: exported.links.iter().map(|link| hex(&link.trace_id)).collect(),
        attributes: attributes(&exported.attributes),
        process: resource["process.pid"].clone(),
        service: resource["service.name"].clone(),
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pair = |pair: &KeyValue| Some((pair.key.clone(), text(pair.value.as_ref()?.value.as_ref()?)));
    pairs.iter().filter_map(pair).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
}
