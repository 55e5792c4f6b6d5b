//! The database and the broker are not there, or go away: it is said, the API answers at once, and all goes on when they
//! are back.

use std::time::{Duration, Instant};

use drover_messages::ReportStatus;
use drover_testkit::{RabbitNode, TestPostgres, wait_until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    device::{Device, broker_at},
    support::{Drover, PATIENCE, Setup, http},
    vendor::{Client, Product, UPGRADE, Vendor},
};

/// How long a call may take while something is missing: the configured wait for a connection, and some.
const AT_ONCE: Duration = Duration::from_secs(6);

fn setup(database_url: &str, amqp_url: Option<&str>) -> Setup {
    Setup::new(database_url, amqp_url)
        .with("DROVER_DATABASE__WAIT_TIMEOUT_S", 2)
        .with("DROVER_WORKERS__DISPATCH_LEASE_S", 5)
}

/// Waits until `/readyz` says that this, and nothing else, is missing. The process itself is well.
async fn missing(drover: &Drover, name: &str) {
    wait_until(PATIENCE, &format!("/readyz to say that the {name} is missing"), async || {
        let Ok(answer) = http().get(format!("{}/readyz", drover.base_url)).send().await else { return false };
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        let dependencies = body["dependencies"].as_object().unwrap();
        let is_missing = |(dependency, says): (&String, &Value)| (says != "ok") == (dependency == name);
        assert_eq!(status == 200, body["ready"] == true);
        status == 503 && dependencies.contains_key(name) && dependencies.iter().all(is_missing)
    })
    .await;
    let healthy = http().get(format!("{}/healthz", drover.base_url)).send().await.unwrap();
    assert_eq!(healthy.status(), 200);
}

/// Asserts that calls, many at once, are refused with 503 and without delay.
async fn assert_unavailable(client: &Client, product: &Product) {
    let began = Instant::now();
    let query = [("productId", product.id.as_str())];
    let path = format!("{UPGRADE}/tasks");
    let calls = (0..40).map(|_| client.call("GET", &path, &query, ""));
    for answer in futures_util::future::join_all(calls).await {
        answer.refused(503);
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    assert!(began.elapsed() < AT_ONCE, "the answers took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_database_that_is_not_there_at_start() {
    let mut postgres = TestPostgres::durable().await;
    let database = postgres.create_database().await;
    postgres.server.kill9().await.unwrap();
    let setup = setup(&database.url, None);
    let mut drover = setup.spawn(&["up"]);
    missing(&drover, "database").await;
    wait_until(PATIENCE, "the log to say so", async || {
        drover.log().lines().any(|line| line.contains("ERROR") && line.contains("database") && line.contains("waiting"))
    })
    .await;
    let nobody = Vendor { tenant: "t".into(), key: "k".into(), secret: "s".into() };
    let product = Product { id: "1".into(), name: "p".into(), master_key: "m".into() };
    assert_unavailable(&Client::new(&drover.base_url, &nobody), &product).await;
    assert!(drover.terminate().await, "it can be ended while it waits:\n{}", drover.log());

    let mut drover = setup.spawn(&["up"]);
    missing(&drover, "database").await;
    postgres.server.restart().await.unwrap();
    drover.wait_ready().await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "boxes", "tlink");
    vendor.import(&setup, &product, "b", 2);
    let client = Client::new(&drover.base_url, &vendor);
    let firmware = client.firmware(&product, b"bytes").await;
    let task = client.task(&product, &firmware).await;
    client.join(&product, &task, "*").await;
    client.start(&product, &task).await;
    wait_until(PATIENCE, "the commands to be tried", async || {
        drover.metric("drover_commands_absent_total", &[]).await >= 2.0
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_killed() {
    let mut postgres = TestPostgres::durable().await;
    let database = postgres.create_database().await;
    let setup = setup(&database.url, None);
    let mut drover = setup.start(&["up"]).await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "boxes", "tlink");
    vendor.import(&setup, &product, "b", 2);
    let client = Client::new(&drover.base_url, &vendor);
    let firmware = client.firmware(&product, b"bytes").await;
    let task = client.task(&product, &firmware).await;
    client.join(&product, &task, "b1").await;
    client.start(&product, &task).await;
    for round in 0..2 {
        postgres.server.kill9().await.unwrap();
        missing(&drover, "database").await;
        assert_unavailable(&client, &product).await;
        let link = firmware["firmwareUrl"].as_str().unwrap();
        assert_eq!(http().get(link).send().await.unwrap().status(), 503, "downloads too");
        let tried = drover.metric("drover_commands_absent_total", &[]).await;
        postgres.server.restart().await.unwrap();
        drover.wait_ready().await;
        // What was accepted is there, and its work goes on.
        let query = [("id", task.as_str()), ("productId", &product.id)];
        let detail = client.ok("GET", &format!("{UPGRADE}/detail"), &query, Value::Null).await;
        assert_eq!((&detail["jobStatus"], &detail["allNum"]), (&json!(2), &json!(1)), "round {round}");
        wait_until(PATIENCE, "the command to be tried again", async || {
            drover.metric("drover_commands_absent_total", &[]).await > tried
        })
        .await;
    }
    assert!(setup.ok(&["check"]).starts_with("clean"));
    assert!(drover.terminate().await, "{}", drover.log());
}

/// Processes that are stopped in their tracks while this value lives, as on a machine that thrashes.
struct Frozen(Vec<Pid>);

impl Frozen {
    /// A server and all its backends.
    fn server(postmaster: i32) -> Self {
        let stop = |pid: &Pid| kill(*pid, Signal::SIGSTOP).unwrap();
        let mut pids = vec![Pid::from_raw(postmaster)];
        // The parent first: from then on there are no new ones.
        stop(&pids[0]);
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
        pids.extend(children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())));
        pids[1..].iter().for_each(stop);
        Self(pids)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            // One that ended meanwhile needs no waking.
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

#[tokio::test]
async fn a_database_that_hangs() {
    let postgres = TestPostgres::durable().await;
    let database = postgres.create_database().await;
    let setup = setup(&database.url, None).with("DROVER_HTTP__REQUEST_TIMEOUT_S", 4);
    let mut drover = setup.start(&["up"]).await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "boxes", "tlink");
    let client = Client::new(&drover.base_url, &vendor);
    let frozen = Frozen::server(postgres.server.pid());
    // Connections that were open, and new ones.
    for _ in 0..2 {
        assert_unavailable(&client, &product).await;
    }
    missing(&drover, "database").await;
    drop(frozen);
    drover.wait_ready().await;
    client.firmware(&product, b"bytes").await;
    assert!(drover.terminate().await, "{}", drover.log());
}

#[tokio::test]
async fn a_broker_that_is_not_there_and_one_that_is_killed() {
    let (database, mut node) = tokio::join!(TestPostgres::database(), RabbitNode::start());
    node.kill9();
    let setup = setup(&database.url, Some(&node.url()));
    let mut drover = setup.spawn(&["up"]);
    missing(&drover, "broker").await;
    wait_until(PATIENCE, "the log to say so", async || {
        drover.log().lines().any(|line| line.contains("broker") && line.contains("waiting"))
    })
    .await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "boxes", "tlink");
    vendor.import(&setup, &product, "b", 2);
    let client = Client::new(&drover.base_url, &vendor);
    let firmware = client.firmware(&product, b"bytes").await;
    let broker = broker_at(&node);
    let mut listening = None;
    for round in ["not there at start", "killed"] {
        missing(&drover, "broker").await;
        // The API takes work all the same, and says so at once.
        let began = Instant::now();
        let task = client.task(&product, &firmware).await;
        client.join(&product, &task, "b1").await;
        client.start(&product, &task).await;
        assert!(began.elapsed() < AT_ONCE, "{round}: {:?}", began.elapsed());
        node.restart().await;
        drover.wait_ready().await;
        // Once it listens, it reconnects by itself.
        let b1 = match &mut listening {
            Some(device) => device,
            empty => empty.insert(Device::listen(&broker, "b1").await),
        };
        b1.upgrade().await;
        b1.report(ReportStatus::Succeeded, None, None).await;
        let query = [("id", task.as_str()), ("productId", &product.id)];
        wait_until(PATIENCE, "the task to finish", async || {
            client.ok("GET", &format!("{UPGRADE}/detail"), &query, Value::Null).await["jobStatus"] == 3
        })
        .await;
        if round != "killed" {
            node.kill9();
        }
    }
    assert!(setup.ok(&["check"]).starts_with("clean"));
    assert!(drover.terminate().await, "{}", drover.log());
}
