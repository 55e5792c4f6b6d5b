//! The metrics are what `docs/metrics.md` says, named by the convention, and what the source records is what is declared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use drover_telemetry::Kind;

use super::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn all() -> impl Iterator<Item = &'static Metric> {
    DECLARED.into_iter().flatten()
}

/// A row of the document.
fn row(metric: &Metric) -> String {
    let label = |label: &Label| match (label.values, label.known()) {
        (drover_telemetry::Values::Bounded(by), _) => format!("`{}` ({by})", label.name),
        (_, known) => format!("`{}`: {}", label.name, known.unwrap_or_default().join(", ")),
    };
    let labels: Vec<String> = metric.labels.iter().map(label).collect();
    format!("| `{}` | {} | {} | {} |", metric.name, metric.kind.as_str(), labels.join("; "), metric.help)
}

#[test]
fn the_document_lists_every_metric() {
    let document = fs::read_to_string(format!("{ROOT}/docs/metrics.md")).unwrap();
    let documented: Vec<&str> = document.lines().filter(|line| line.starts_with("| `drover_")).collect();
    let mut metrics: Vec<&Metric> = all().collect();
    metrics.sort_by_key(|metric| metric.name);
    let rows: Vec<String> = metrics.into_iter().map(row).collect();
    assert!(documented == rows, "the table of docs/metrics.md must be:\n{}", rows.join("\n"));
}

#[test]
fn names_keep_to_the_convention() {
    let mut names = BTreeSet::new();
    for metric in all() {
        let name = metric.name;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(name.starts_with("drover_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}: _total is a counter's");
        for wrong in [
            "_ms",
            "_millis",
            "_milliseconds",
            "_minutes",
            "_kb",
            "_mb",
            "_kib",
            "_percent",
            "_count",
            "_sum",
            "_bucket",
        ] {
            assert!(
                !name.contains(&format!("{wrong}_")) && !name.ends_with(wrong),
                "{name}: no base unit, or not ours to use"
            );
        }
        if metric.kind == Kind::Histogram {
            let has_buckets = ["_seconds", "_deliveries", "_devices"].iter().any(|unit| name.ends_with(unit));
            assert!(has_buckets, "{name} has no buckets and would be a summary");
        }
        let mut labels = BTreeSet::new();
        for label in metric.labels {
            assert!(labels.insert(label.name), "{name} has {} twice", label.name);
            let is_an_id = ["id", "uuid", "device", "job", "command", "tenant", "user", "operator", "path", "url"]
                .contains(&label.name);
            assert!(
                !is_an_id && !label.name.ends_with("_id") && label.name != "le",
                "{name}: {} has no bounds",
                label.name
            );
            assert!(label.known().is_none_or(|values| (1..=20).contains(&values.len())), "{name}: {}", label.name);
        }
        assert!(
            metric.help.len() > 5 && !metric.help.ends_with('.') && !metric.help.contains('|'),
            "{name}: {}",
            metric.help
        );
    }
}

#[test]
fn what_is_known_before_it_happens_begins_at_zero() {
    let recorder = builder().unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, describe);
    let text = recorder.handle().render();
    for line in [
        r#"drover_broker_deliveries_dead_total{queue="reports"} 0"#,
        r#"drover_attempts_ended_total{kind="firmware",outcome="timed_out"} 0"#,
        r#"drover_command_sent_to_terminal_seconds_bucket{kind="push",le="0.005"} 0"#,
        r#"drover_role_failures_total{role="relay"} 0"#,
        "# HELP drover_command_retries_total New attempts, by who wanted them",
        "# TYPE drover_command_retries_total counter",
        &format!(r#"drover_build_info{{version="{}"}} 1"#, env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
    }
    // A process that does not know says nothing, rather than 0.
    assert!(!text.contains("\ndrover_commands{") && !text.contains("\ndrover_outbox_messages "), "{text}");
}

/// Every place that records names a metric and labels that are declared.
#[test]
fn nothing_is_recorded_that_is_not_declared() {
    let mut files = Vec::new();
    for folder in ["src", "workers"] {
        sources(&Path::new(ROOT).join(folder), &mut files);
    }
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let constants: Vec<(&Path, &str, &str)> = files
        .iter()
        .zip(&texts)
        .flat_map(|(file, text)| constants(text).map(|(name, value)| (file.as_path(), name, value)))
        .collect();
    let declared: BTreeMap<&str, (Kind, BTreeSet<&str>)> = all()
        .map(|metric| (metric.name, (metric.kind, metric.labels.iter().map(|label| label.name).collect())))
        .collect();
    let mut recorded = BTreeSet::new();
    for (file, text) in files.iter().zip(&texts) {
        for (kind, arguments) in records(text) {
            let first = arguments.split(',').next().unwrap().trim();
            let name = match first.strip_prefix('"') {
                Some(name) => name.trim_end_matches('"'),
                // A variable: the gauges of jobs and commands, which a helper sets.
                None if first == first.to_lowercase() => continue,
                None => {
                    let constant = first.rsplit("::").next().unwrap();
                    // Of several with one name, the nearest is meant.
                    let near = |other: &Path| file.iter().zip(other).take_while(|(a, b)| a == b).count();
                    let same = constants.iter().filter(|(_, name, _)| *name == constant);
                    same.max_by_key(|(other, ..)| near(other)).unwrap_or_else(|| panic!("{first} in {file:?}")).2
                }
            };
            let labels: BTreeSet<&str> =
                arguments.match_indices("\" =>").filter_map(|(at, _)| arguments[..at].rsplit('"').next()).collect();
            let (declared_kind, declared_labels) =
                declared.get(name).unwrap_or_else(|| panic!("{name}, recorded in {file:?}, is not declared"));
            assert_eq!((kind, &labels), (declared_kind.as_str(), declared_labels), "{name} in {file:?}");
            recorded.insert(name);
        }
    }
    assert!(recorded.len() > 40, "the source was not understood: {recorded:?}");
}

/// The loops of the roles have their names in the source, and all of them are declared.
#[test]
fn every_loop_is_a_known_value() {
    let mut files = Vec::new();
    sources(&Path::new(ROOT).join("workers"), &mut files);
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let loops: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split("#[cfg(test)]").next().unwrap().split("repeat(\"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let failures = all().find(|metric| metric.name == "drover_role_failures_total").unwrap();
    assert_eq!(failures.labels[0].known().unwrap(), loops.into_iter().collect::<Vec<_>>());
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !["target", "tests", "examples"].iter().any(|skipped| path.ends_with(skipped)) {
                sources(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// Constants that hold a metric's name.
fn constants(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.split_once("const ")?.1.split_once(": &str = \"")?;
        value.starts_with("drover_").then(|| (name, value.trim_end_matches("\";")))
    })
}

/// The macros that record, with their arguments.
fn records(text: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    for kind in ["counter", "gauge", "histogram"] {
        let start = format!("{kind}!(");
        for (at, _) in text.match_indices(&start) {
            if text[..at].ends_with('_') {
                continue;
            }
            let arguments = &text[at + start.len()..];
            let mut depth = 1_u32;
            let end = arguments.find(|c| {
                depth = match c {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                depth == 0
            });
            found.push((kind, &arguments[..end.unwrap()]));
        }
    }
    found
}
