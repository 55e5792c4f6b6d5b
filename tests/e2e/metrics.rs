//! What a process that ran a campaign says at `/metrics` is what `docs/metrics.md` says: names, types, help, labels, values.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use drover_testkit::{RabbitNode, TestPostgres, free_port, wait_until};

use crate::support::{Campaign, PATIENCE, Setup, http};

const DEVICES: usize = 20;

/// A row of the document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Documented {
    pub(crate) kind: String,
    help: String,
    /// The values of each label; none where the document says what bounds them.
    pub(crate) labels: BTreeMap<String, BTreeSet<String>>,
}

pub(crate) fn documented() -> BTreeMap<String, Documented> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `drover_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, help] = cells[..] else { panic!("{row}") };
        let labels = labels.split("; ").filter(|label| !label.is_empty()).map(|label| {
            let (name, values) = label[1..].split_once('`').unwrap();
            let values = values
                .strip_prefix(": ")
                .map_or_else(BTreeSet::new, |values| values.split(", ").map(str::to_owned).collect());
            (name.to_owned(), values)
        });
        let documented = Documented { kind: kind.into(), help: help.into(), labels: labels.collect() };
        (name.trim_matches('`').to_owned(), documented)
    })
    .collect()
}

/// The labels of a sample, as Prometheus writes them.
fn labels(line: &str) -> BTreeMap<String, String> {
    let Some((_, rest)) = line.split_once('{') else { return BTreeMap::new() };
    let (inside, _) = rest.rsplit_once('}').unwrap();
    let pairs = inside.trim_end_matches('"').split("\",").filter(|pair| !pair.is_empty());
    let pair = |pair: &str| pair.split_once("=\"").map(|(name, value)| (name.to_owned(), value.to_owned()));
    pairs.map(|text| pair(text).unwrap_or_else(|| panic!("{text:?} of {line}"))).collect()
}

async fn scrape(base_url: &str) -> String {
    http().get(format!("{base_url}/metrics")).send().await.unwrap().text().await.unwrap()
}

/// Holds a process's metrics against the document. Returns the names that it has samples of.
fn assert_documented(text: &str, documented: &BTreeMap<String, Documented>) -> BTreeSet<String> {
    let (mut family, mut seen) = (String::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(name.starts_with("process_") || documented[name].help == help, "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            name.clone_into(&mut family);
            let expected = documented.get(name).map(|metric| metric.kind.as_str());
            assert!(name.starts_with("process_") || expected == Some(kind), "{line}: {expected:?}");
        } else if !family.starts_with("process_") {
            assert!(line.starts_with(&family), "{line} stands under {family}");
            let (expected, mut found) = (&documented[&family].labels, labels(line));
            if documented[&family].kind == "histogram" {
                found.remove("le");
            }
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{line}");
            for (name, value) in &found {
                assert!(
                    expected[name].is_empty() || expected[name].contains(value),
                    "{line}: {name} is none of the document's"
                );
            }
            seen.insert(family.clone());
        }
    }
    seen
}

#[tokio::test]
async fn a_campaign_leaves_the_metrics_that_the_document_names() {
    let (database, node, internal) = (TestPostgres::database().await, RabbitNode::start().await, free_port());
    let setup = Setup::new(&database.url, Some(&node.url()))
        .with("DROVER_HTTP__INTERNAL_LISTEN", format!("127.0.0.1:{internal}"))
        .with("DROVER_HTTP__PUBLIC_URL", "http://127.0.0.1:1");
    setup.ok(&["migrate"]);
    let fleet = setup.spawn_plain(&[
        "simulate",
        "--devices",
        "20",
        "--failure-rate",
        "0.2",
        "--duplicate-rate",
        "0.2",
        "--download-sample",
        "0",
        "--latency-min-ms",
        "1",
        "--latency-max-ms",
        "50",
    ]);
    wait_until(PATIENCE, "the fleet to listen", async || fleet.log().contains("devices listen")).await;
    let campaign = Campaign::prepare(&setup, &database.url, DEVICES).await;
    let mut drover = setup.start(&["up"]).await;
    campaign.start().await;
    let _ = http().get(format!("{}/no/such/route", drover.base_url)).send().await;
    for (name, labels, least) in [
        ("drover_jobs_finished_total", &["kind=\"firmware\""][..], 1.0),
        ("drover_commands_sent_total", &[], 20.0),
        ("drover_broker_messages_confirmed_total", &[], 22.0),
        ("drover_http_requests_total", &["route=\"unmatched\"", "status=\"404\""], 1.0),
        // What is looked at every few seconds.
        ("drover_dependency_up", &[], 3.0),
        ("drover_store_connections_max", &[], 1.0),
        ("drover_build_info", &["version=\"0.1.0\""], 1.0),
        ("process_resident_memory_bytes", &[], 1e6),
        // This process has it, though nothing is there to count.
        ("drover_outbox_messages", &[], 0.0),
    ] {
        wait_until(PATIENCE, name, async || drover.metric(name, labels).await >= least).await;
    }
    let documented = documented();
    let text = scrape(&drover.base_url).await;
    let seen = assert_documented(&text, &documented);
    // Counters and histograms are all there, with events or without; but those that only an event can tell the labels of.
    for (name, metric) in documented.iter().filter(|(_, metric)| metric.kind != "gauge") {
        let is_open = metric.labels.values().any(BTreeSet::is_empty);
        assert!(seen.contains(name) || is_open, "{name} is missing in\n{text}");
    }
    for name in [
        "drover_commands",
        "drover_jobs",
        "drover_outbox_oldest_seconds",
        "drover_http_connections",
        "drover_store_waiting",
    ] {
        assert!(seen.contains(name), "{name} is missing in\n{text}");
    }
    // The same where strangers cannot call.
    assert_documented(&scrape(&format!("http://127.0.0.1:{internal}")).await, &documented);
    assert!(drover.terminate().await, "{}", drover.log());
}
