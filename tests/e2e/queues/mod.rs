//! Operators step in where messages flow: queues are paused, workers drained, dead letters read and sent again.

mod embedded;
mod letters;
mod workers;

use drover_testkit::{RabbitNode, TestDatabase, TestPostgres, wait_for, wait_until};
use serde_json::Value;
use tokio_postgres::Client;

use crate::support::{Campaign, Drover, PATIENCE, Setup};

/// A database, a broker, a fleet that answers everything well, and a job for it that has not started.
struct World {
    // The order in which they end: first what uses the others.
    _fleet: Drover,
    campaign: Campaign,
    setup: Setup,
    _node: RabbitNode,
    client: Client,
    _database: TestDatabase,
    devices: usize,
}

impl World {
    /// Chunks are small, so that a campaign has a middle.
    async fn new(devices: usize) -> Self {
        let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
        let setup = Setup::new(&database.url, Some(&node.url()))
            .with("DROVER_WORKERS__PLAN_CHUNK", 10)
            .with("DROVER_WORKERS__DISPATCH_CONCURRENCY", 1)
            .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
        setup.ok(&["migrate"]);
        let number = devices.to_string();
        let fleet =
            setup.spawn_plain(&["simulate", "--devices", &number, "--failure-rate", "0", "--download-sample", "0"]);
        wait_until(PATIENCE, "the fleet to listen", async || fleet.log().contains("devices listen")).await;
        let campaign = Campaign::prepare(&setup, &database.url, devices).await;
        let client = database.client().await;
        Self { _fleet: fleet, campaign, setup, _node: node, client, _database: database, devices }
    }

    async fn count(&self, from: &str) -> i64 {
        count(&self.client, from).await
    }

    async fn sent(&self) -> i64 {
        self.count("commands WHERE state NOT IN ('planned', 'queued')").await
    }

    async fn assert_all_succeed_once(&self) {
        wait_until(PATIENCE, "the job to end", async || self.count("jobs WHERE state = 'completed'").await == 1).await;
        let succeeded = self.count("commands WHERE state = 'succeeded' AND attempt = 1").await;
        assert_eq!(succeeded, i64::try_from(self.devices).unwrap());
        assert!(self.setup.ok(&["check"]).starts_with("clean"));
    }
}

async fn count(client: &Client, from: &str) -> i64 {
    client.query_one(&format!("SELECT count(*) FROM {from}"), &[]).await.unwrap().get(0)
}

/// What a command of ours prints as JSON.
fn json(setup: &Setup, args: &[&str]) -> Value {
    serde_json::from_str(&setup.ok(&[args, &["--json"]].concat())).unwrap()
}

/// A queue, seen later than `after`, and so that it is as wanted.
async fn queue(setup: &Setup, name: &str, after: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    wait_for(PATIENCE, "the queue to be seen so", async || {
        let queues = json(setup, &["queues"]);
        let found = queues.as_array().unwrap().iter().find(|queue| queue["name"] == name).unwrap().clone();
        let is_later = found["sampled_at"].as_str().is_some_and(|at| at > after);
        (is_later && is_so(&found)).then_some(found)
    })
    .await
}

/// Waits until nobody takes from a queue and it was looked at twice since.
async fn nobody_takes_from(setup: &Setup, name: &str) {
    let mut seen = queue(setup, name, "", |queue| queue["consumers"] == 0).await;
    for _ in 0..2 {
        let at = seen["sampled_at"].as_str().unwrap().to_owned();
        seen = queue(setup, name, &at, |queue| queue["consumers"] == 0).await;
    }
}
