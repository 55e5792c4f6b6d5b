//! Whole campaigns, with every fault a device can have, on both brokers and with several workers.

use drover_testkit::{RabbitNode, TestPostgres};
use tokio_postgres::Client;

use crate::support::{Setup, WORKER_ROLES};

const DEVICES: i64 = 2000;
const FAILING: i64 = DEVICES * 5 / 100;
const SILENT: i64 = DEVICES * 5 / 100;
const REPEATING: i64 = DEVICES * 5 / 100;
const LATE: i64 = DEVICES * 2 / 100;

const DEMO: [&str; 19] = [
    "demo",
    "--devices",
    "2000",
    "--failure-rate",
    "0.05",
    "--silence-rate",
    "0.05",
    "--duplicate-rate",
    "0.05",
    "--late-rate",
    "0.02",
    "--latency-min-ms",
    "10",
    "--latency-max-ms",
    "500",
    "--download-sample",
    "0",
    // Twenty times the slowest device: on a busy machine none is taken for silent that is not.
    "--attempt-timeout-s",
    "10",
];

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Every device counted by how it ended, and every report that came too late or twice.
async fn assert_outcomes(client: &Client) {
    let rows = client.query("SELECT state, count(*) FROM commands GROUP BY state ORDER BY state", &[]).await.unwrap();
    let states: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("failed".to_owned(), FAILING),
        ("succeeded".to_owned(), DEVICES - FAILING - SILENT - LATE),
        ("timed_out".to_owned(), SILENT + LATE),
    ];
    assert_eq!(states, expected);
    // Those that failed, were silent or late used every try that the policy gives; the others needed one.
    let retries = count(client, "SELECT max(retry_limit)::bigint FROM jobs").await;
    let outcomes = count(client, "SELECT count(*) FROM outcomes").await;
    assert_eq!(outcomes, DEVICES + (FAILING + SILENT + LATE) * retries);
    assert_eq!(
        count(client, "SELECT count(*) FROM unapplied_reports WHERE reason = 'late'").await,
        LATE * (1 + retries)
    );
    assert_eq!(count(client, "SELECT count(*) FROM unapplied_reports WHERE reason = 'duplicate'").await, REPEATING);
    assert_eq!(count(client, "SELECT count(*) FROM jobs WHERE state = 'completed'").await, 1);
}

#[tokio::test]
async fn a_fleet_with_every_fault_on_rabbitmq() {
    let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
    let setup = Setup::new(&database.url, Some(&node.url()));
    setup.ok(&DEMO);
    assert_outcomes(&database.client().await).await;
    assert!(setup.ok(&["check"]).starts_with("clean"));
}

#[tokio::test]
async fn two_processes_of_every_role_come_to_the_same() {
    let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
    // Small chunks and batches, so that both get much to do.
    let setup = Setup::new(&database.url, Some(&node.url()))
        .with("DROVER_WORKERS__PLAN_CHUNK", 50)
        .with("DROVER_WORKERS__REPORT_BATCH_MAX", 20)
        .with("DROVER_WORKERS__RETRY_BACKOFF_BASE_S", 1)
        .with("DROVER_WORKERS__RETRY_BACKOFF_MAX_S", 2)
        // Nobody downloads here: the demonstration's own ingress has a port that only it knows.
        .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
    setup.ok(&["migrate"]);
    let mut second = setup.start(&["serve", "--roles", WORKER_ROLES]).await;
    setup.ok(&DEMO);
    assert_outcomes(&database.client().await).await;
    assert!(setup.ok(&["check"]).starts_with("clean"));
    for (metric, label) in [("drover_reports_total", "result=\"applied\""), ("drover_commands_sent_total", "kind")] {
        assert!(second.metric(metric, &[label]).await > 0.0, "the second process took part: {metric}");
    }
    assert!(second.terminate().await, "{}", second.log());
}

#[tokio::test]
async fn a_fleet_with_every_fault_on_the_in_process_broker() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    setup.ok(&DEMO);
    assert_outcomes(&database.client().await).await;
    assert!(setup.ok(&["check"]).starts_with("clean"));
}
