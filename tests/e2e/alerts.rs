//! What we ship for Prometheus and Grafana holds together: the rules pass their own tests, every metric, label and value that rules
//! and dashboard name is one of `docs/metrics.md`, and every alert has a section in `docs/runbook.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    metrics::{Documented, documented},
    support::DROVER,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs Prometheus' own tool, which `scripts/install-deps.sh test` installs.
fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(root()).output().expect("promtool runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}:\n{}", String::from_utf8_lossy(&said));
}

#[test]
fn prometheus_understands_its_configuration_and_the_rules_pass_their_tests() {
    promtool(&["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"]);
    promtool(&["check", "rules", "deploy/prometheus/rules/drover.yml"]);
    promtool(&["test", "rules", "deploy/prometheus/tests/drover.yml"]);
}

/// Every expression of the dashboard, with Grafana's variables filled in.
fn dashboard() -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&read("deploy/grafana/dashboards/drover.json")).unwrap();
    let mut found = Vec::new();
    walk(&document, &mut found);
    assert!(found.len() > 40, "{found:?}");
    found.into_iter().map(|expr| expr.replace("$__rate_interval", "5m").replace("$kind", "firmware")).collect()
}

#[test]
fn prometheus_understands_every_expression_of_the_dashboard() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    let rules: Vec<Value> = dashboard()
        .into_iter()
        .enumerate()
        .map(|(n, expr)| serde_json::json!({ "record": format!("panel:{n}"), "expr": expr }))
        .collect();
    // JSON is YAML.
    fs::write(&file, serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] }).to_string()).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()]);
}

/// Metrics that a text names, each with the matchers behind it.
fn named(text: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    text.match_indices("drover_")
        .filter(|(at, _)| !text[..*at].ends_with(is_name))
        .map(|(at, _)| {
            let (name, rest) = text[at..].split_at(text[at..].find(|c| !is_name(c)).unwrap_or(text.len() - at));
            (name, rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(matchers, _)| matchers))
        })
        .collect()
}

/// The document's metric of that name; of a histogram, its series have names of their own.
fn find<'a>(name: &str, documented: &'a BTreeMap<String, Documented>) -> Option<&'a Documented> {
    let series = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    documented.get(name).or_else(|| documented.get(series?).filter(|metric| metric.kind == "histogram"))
}

#[test]
fn rules_and_dashboard_name_what_there_is() {
    let documented = documented();
    let shown = dashboard().join("\n");
    let mut used = BTreeSet::new();
    for text in [&read("deploy/prometheus/rules/drover.yml"), &read("deploy/prometheus/tests/drover.yml"), &shown] {
        for (name, matchers) in named(text) {
            let metric = find(name, &documented).unwrap_or_else(|| panic!("there is no metric {name}"));
            for matcher in matchers.split("\",").filter(|matcher| !matcher.is_empty()) {
                let (label, value) = matcher
                    .trim_end_matches('"')
                    .split_once("=\"")
                    .or_else(|| matcher.trim_end_matches('"').split_once("=~\""))
                    .or_else(|| matcher.trim_end_matches('"').split_once("!~\""))
                    .unwrap();
                let label = label.trim_end_matches(['!', '~']);
                if label == "instance" {
                    continue;
                }
                let values = metric.labels.get(label).unwrap_or_else(|| panic!("{name} has no label {label}"));
                for word in value.split('|').filter(|_| !values.is_empty()) {
                    assert!(values.contains(word), "{label} of {name} is never {word}");
                }
            }
            used.insert(name.to_owned());
        }
    }
    // Other exporters' we use few of, and by name.
    for other in
        shown.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.starts_with("rabbitmq_"))
    {
        let known = [
            "rabbitmq_queue_messages_ready",
            "rabbitmq_queue_messages_unacked",
            "rabbitmq_alarms_memory_used_watermark",
            "rabbitmq_alarms_free_disk_space_watermark",
        ];
        assert!(known.contains(&other), "{other}");
    }
    assert!(used.len() > 35, "the texts were not understood: {used:?}");
}

#[test]
fn every_alert_has_a_section_in_the_runbook() {
    let (rules, runbook) = (read("deploy/prometheus/rules/drover.yml"), read("docs/runbook.md"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let sections: BTreeMap<&str, &str> = runbook
        .split("\n### ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .map(|(title, text)| (title, text.split("\n## ").next().unwrap_or_default()))
        .collect();
    assert_eq!(
        alerts.iter().copied().collect::<BTreeSet<_>>(),
        sections.keys().copied().collect(),
        "alerts and sections"
    );
    for alert in alerts {
        assert!(
            rules.contains(&format!("runbook_url: docs/runbook.md#{}\n", alert.to_lowercase())),
            "{alert} leads nowhere"
        );
        for part in ["**Means:**", "**Look:**", "**Do:**"] {
            assert!(sections[alert].contains(part), "{alert}: no {part}");
        }
        assert!(sections[alert].contains('`'), "{alert}: what to look at is a command or a name");
    }
    for (name, _) in named(&runbook) {
        assert!(find(name, &documented()).is_some(), "the runbook names {name}, which there is not");
    }
}

/// Whoever is woken up at night tries what stands there.
#[test]
fn every_command_of_the_runbook_exists() {
    let runbook = read("docs/runbook.md");
    let is_word = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && !word.contains(|c: char| !(c.is_ascii_lowercase() || c == '-'))
    };
    let named: BTreeSet<Vec<&str>> = ["`drover ", "\ndrover "]
        .into_iter()
        .flat_map(|start| runbook.split(start).skip(1))
        .map(|rest| rest.split(['`', '\n']).next().unwrap().split(' ').take_while(is_word).collect())
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    for command in named {
        let help = Command::new(DROVER).args(&command).arg("--help").output().unwrap();
        // A word that is no command of its own would be taken for a value.
        let usage = format!("drover {} ", command.join(" "));
        let said = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.status.success() && said.contains(&format!("Usage: {}", usage.trim_end())), "{usage}: {said}");
    }
}
