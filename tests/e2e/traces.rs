//! A job as one trace: from the call that made it, through RabbitMQ and both kinds of processes, to its devices' reports.

mod collector;

use std::collections::BTreeSet;

use drover_messages::ReportStatus;
use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, free_port, wait_until};
use serde_json::{Value, json};

use crate::{
    device::{Device, broker_at},
    support::{Drover, PATIENCE, Setup, WORKER_ROLES},
    vendor::{Answer, Client, Product, UPGRADE, Vendor},
};
use collector::{Collector, Span};

const DEVICES: usize = 3;
const TASK: &str = "/aep_upgrade_management/task";

/// An installation of two processes and a fleet.
struct World {
    ingress: Drover,
    worker: Drover,
    client: Client,
    product: Product,
    fleet: Vec<Device>,
    _setup: Setup,
    _node: RabbitNode,
    _database: TestDatabase,
}

impl World {
    async fn new(otlp_url: &str, sample_permille: u64) -> Self {
        let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_TRACES__OTLP_URL", otlp_url)
            .with("DROVER_TRACES__SAMPLE_PERMILLE", sample_permille)
            .with("DROVER_SECRET_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
        setup.ok(&["migrate"]);
        let ingress = setup.start(&["serve", "--roles", "ingress"]).await;
        let worker = setup.start(&["serve", "--roles", WORKER_ROLES]).await;
        let vendor = Vendor::enrol(&setup, "vendor");
        let product = vendor.product(&setup, "boxes", "tlink");
        vendor.import(&setup, &product, "b", DEVICES);
        let broker = broker_at(&node);
        let mut fleet = Vec::new();
        for n in 1..=DEVICES {
            fleet.push(Device::listen(&broker, &format!("b{n}")).await);
        }
        let client = Client::new(&ingress.base_url, &vendor);
        Self { ingress, worker, client, product, fleet, _setup: setup, _node: node, _database: database }
    }

    /// Makes a task, by a call within the caller's trace if there is one.
    async fn task(&self, firmware: &Value, traceparent: Option<&str>) -> Answer {
        let body = json!({
            "firmwareId": firmware["firmwareId"], "productId": self.product.number(), "jobName": "n", "retryTimes": 0,
            "outTime": 24,
        });
        let mut request = self.client.request("POST", TASK, &[], &body.to_string());
        if let Some(traceparent) = traceparent {
            request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
        }
        self.client.send(request).await
    }

    /// Runs a job to its end, which every device reports. Returns the ids of the traces of two calls: that which made it, and
    /// that which started it.
    async fn campaign(&mut self, traceparent: Option<&str>) -> (String, String) {
        let firmware = self.client.firmware(&self.product, b"bytes").await;
        let made = self.task(&firmware, traceparent).await;
        let trace = trace_id(&made);
        let task = made.result()["jobId"].to_string();
        let names: Vec<String> = (1..=DEVICES).map(|n| format!("b{n}")).collect();
        self.client.join(&self.product, &task, &names.join(",")).await;
        let body = json!({ "productId": self.product.number(), "runStatus": 2 }).to_string();
        let started = self.client.call("PUT", &format!("{UPGRADE}/control"), &[("id", &task)], &body).await;
        for device in &mut self.fleet {
            device.upgrade().await;
            device.report(ReportStatus::Succeeded, None, Some("2.0")).await;
        }
        wait_until(PATIENCE, "every report to be recorded", async || {
            let applied = self.worker.metric("drover_reports_total", &["result=\"applied\""]).await;
            (applied - 3.0).abs() < 0.1
        })
        .await;
        let start_trace = trace_id(&started);
        started.result();
        (trace, start_trace)
    }

    /// Ends both, which send what they still have.
    async fn end(&mut self) {
        for process in [&mut self.ingress, &mut self.worker] {
            assert!(process.terminate().await, "{}", process.log());
        }
    }
}

fn trace_id(answer: &Answer) -> String {
    answer.headers["x-trace-id"].to_str().unwrap().to_owned()
}

/// The spans of one trace.
struct Trace(Vec<Span>);

impl Trace {
    fn of(collector: &Collector, id: &str) -> Self {
        Self(collector.spans().into_iter().filter(|span| span.trace == id).collect())
    }

    #[track_caller]
    fn named(&self, name: &str) -> Vec<&Span> {
        let found: Vec<&Span> = self.0.iter().filter(|span| span.name == name).collect();
        assert!(!found.is_empty(), "no {name:?} in {:#?}", self.0);
        found
    }

    /// The names from a span's parent to the root.
    fn way_up<'a>(&'a self, span: &'a Span) -> Vec<&'a str> {
        let mut way = Vec::new();
        let mut at = span;
        while !at.parent.is_empty() {
            let parent = self.0.iter().find(|other| other.id == at.parent);
            at = parent.unwrap_or_else(|| panic!("{} is below a span that nobody exported", at.name));
            way.push(at.name.as_str());
        }
        way
    }
}

#[tokio::test]
async fn a_job_is_one_trace_from_the_call_to_the_last_report() {
    let collector = Collector::start().await;
    let mut world = World::new(&collector.url, 1000).await;
    let (id, start_id) = world.campaign(None).await;
    let (ingress, worker) = (world.ingress.child.pid().to_string(), world.worker.child.pid().to_string());
    world.end().await;
    let trace = Trace::of(&collector, &id);

    let call = trace.named("POST /aep_upgrade_management/task")[0];
    assert_eq!((call.kind, call.parent.as_str(), &call.process), (2, "", &ingress));
    assert_eq!(call.attributes["http.request.method"], "POST");
    assert_eq!(call.attributes["http.route"], TASK);
    assert_eq!(call.attributes["http.response.status_code"], "200");

    // The way of the work, each step below the one before it. A transaction may stand between.
    for (name, kind, above) in [
        ("send jobs.firmware", 4, "POST /aep_upgrade_management/task"),
        ("process jobs.firmware", 5, "send jobs.firmware"),
        ("send dispatch.firmware", 4, "process jobs.firmware"),
        ("process dispatch.firmware", 5, "send dispatch.firmware"),
        ("record reports", 5, "POST /aep_upgrade_management/task"),
    ] {
        for span in trace.named(name) {
            let way: Vec<&str> =
                trace.way_up(span).into_iter().filter(|step| !step.starts_with("transaction")).collect();
            assert_eq!((way[0], span.kind, &span.process), (above, kind, &worker), "{name}");
            assert_eq!(*way.last().unwrap(), call.name, "{name} comes of the call");
        }
    }
    let sent = trace.named("send jobs.firmware")[0];
    assert_eq!(sent.attributes["messaging.destination.name"], "jobs.firmware");
    let told = trace.named("process dispatch.firmware")[0];
    assert!(told.attributes.contains_key("drover.job.id"));

    // Reports come in batches, each with a trace of its own, to which the job's lead.
    let reports = trace.named("record reports");
    assert!(reports.len() <= DEVICES, "one a batch and job at the most");
    let counted: usize =
        reports.iter().map(|span| span.attributes["messaging.batch.message_count"].parse::<usize>().unwrap()).sum();
    assert_eq!(counted, DEVICES);
    for span in reports {
        let batch = Trace::of(&collector, &span.links[0]);
        assert_eq!(batch.way_up(batch.named("process reports")[0]), Vec::<&str>::new());
    }
    // The call that started the job has a trace of its own, and leads there.
    let start = Trace::of(&collector, &start_id);
    assert!(start.0.iter().any(|span| span.links.contains(&id)), "{:#?}", start.0);
    let of_health = collector.spans().into_iter().filter(|span| span.name.contains("/readyz")).count();
    assert_eq!(of_health, 0, "nobody wants to read that");
    assert!(collector.spans().iter().all(|span| span.service == "drover"));
    // What the roles do all the time, nobody asked for.
    let roots: BTreeSet<String> =
        collector.spans().into_iter().filter(|span| span.parent.is_empty()).map(|span| span.name).collect();
    assert!(roots.iter().all(|name| name.contains(' ') && !name.starts_with("transaction")), "{roots:?}");
}

#[tokio::test]
async fn whoever_begins_a_trace_decides_whether_it_is_recorded() {
    let collector = Collector::start().await;
    let mut world = World::new(&collector.url, 0).await;
    world.campaign(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).await;
    let firmware = world.client.firmware(&world.product, b"others").await;
    let own = trace_id(&world.task(&firmware, None).await);
    let unwanted = world.task(&firmware, Some("00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")).await;
    assert_eq!(trace_id(&unwanted), "5bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(own.len(), 32, "a call has a trace to search the logs for, exported or not");
    world.end().await;
    let trace = Trace::of(&collector, "4bf92f3577b34da6a3ce929d0e0e4736");
    let call = trace.named("POST /aep_upgrade_management/task");
    assert_eq!(call[0].parent, "00f067aa0ba902b7", "below the caller's span");
    trace.named("process dispatch.firmware");
    trace.named("record reports");
    assert_eq!(trace.0.len(), collector.spans().len(), "and nothing else: {:#?}", collector.spans());
}

#[tokio::test]
async fn a_collector_that_is_away_is_said_once_and_holds_nothing_up() {
    let port = free_port();
    let mut world = World::new(&format!("http://127.0.0.1:{port}"), 1000).await;
    world.campaign(None).await;
    let lost = async |worker: &Drover| worker.metric("drover_trace_spans_total", &["result=\"lost\""]).await;
    wait_until(PATIENCE, "spans to be lost", async || lost(&world.worker).await > 0.0).await;
    let before = lost(&world.worker).await;
    // More work, more batches that go nowhere.
    let firmware = world.client.firmware(&world.product, b"others").await;
    let task = world.client.task(&world.product, &firmware).await;
    world.client.join(&world.product, &task, "b1").await;
    world.client.start(&world.product, &task).await;
    world.fleet[0].upgrade().await;
    wait_until(PATIENCE, "more to be lost", async || lost(&world.worker).await > before).await;
    assert_eq!(world.worker.log().matches("the collector takes no traces").count(), 1, "{}", world.worker.log());

    let collector = Collector::on(tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    world.fleet[0].report(ReportStatus::Succeeded, None, Some("2.0")).await;
    wait_until(PATIENCE, "spans to arrive", async || !collector.spans().is_empty()).await;
    world.end().await;
    assert_eq!(world.worker.log().matches("the collector takes traces again").count(), 1, "{}", world.worker.log());
}
