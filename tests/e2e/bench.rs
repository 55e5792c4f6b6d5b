//! `drover bench --checks` and `--viewers`, tiny: that each comes to its end, counts and says what it should, not how fast anything is.

use drover_testkit::{RabbitNode, TestPostgres};
use serde_json::Value;

use crate::support::Setup;

#[tokio::test]
async fn checks_are_counted_and_told() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    let told = setup.ok(&[
        "bench",
        "--checks",
        "--devices",
        "20",
        "--asking",
        "10",
        "--packages",
        "5",
        "--named",
        "4",
        "--outdated",
        "0.5",
        "--connections",
        "3",
        "--rounds",
        "1",
        "--seconds",
        "1",
    ]);
    let report: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    for (key, value) in
        [("devices", 20), ("asking", 10), ("packages", 5), ("named", 4), ("connections", 3), ("errors", 0)]
    {
        assert_eq!(report[key], value, "{key}");
    }
    for key in [
        "checks_per_s",
        "healthz_per_s",
        "ratio",
        "check_p50_ms",
        "check_p99_ms",
        "healthz_p99_ms",
        "first_checks_per_s",
        "peak_rss_mb",
    ] {
        assert!(report[key].as_f64().is_some_and(|value| value > 0.0), "{key} of {report}");
    }
    let client = database.client().await;
    let devices: i64 = client.query_one("SELECT count(*) FROM devices", &[]).await.unwrap().get(0);
    let packages: i64 = client
        .query_one("SELECT count(*) FROM jobs WHERE kind = 'publish' AND state = 'running'", &[])
        .await
        .unwrap()
        .get(0);
    let checked: i64 = client.query_one("SELECT count(*) FROM device_checks", &[]).await.unwrap().get(0);
    assert_eq!((devices, packages, checked), (20, 5, 10));
}

#[tokio::test]
async fn campaigns_with_and_without_viewers_are_told_apart() {
    let (database, node) = (TestPostgres::database().await, RabbitNode::start().await);
    let setup = Setup::new(&database.url, Some(&node.url()));
    let told = setup.ok(&["bench", "--devices", "300", "--viewers", "12", "--turns", "2"]);
    let report: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    for (key, value) in [("devices", 300), ("viewers", 12), ("streams_lost", 0), ("violations", 0)] {
        assert_eq!(report[key], value, "{key}");
    }
    for key in ["ratio", "cpu_alone_s", "cpu_watched_s", "updates_per_s", "peak_rss_mb"] {
        assert!(report[key].as_f64().is_some_and(|value| value > 0.0), "{key} of {report}");
    }
    for key in ["alone", "watched"] {
        assert_eq!(report[key].as_array().map(Vec::len), Some(2), "{key} of {report}");
    }
}
