//! Metrics as they are declared: each once, with what `docs/metrics.md` and the recorder are told of it.

use metrics::{Key, KeyName, Label as KeyLabel, Level, Metadata, SharedString, Unit, with_recorder};

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, by Prometheus' convention: what is counted, the base unit, and `_total` for a counter.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What tells its series apart. Never an id: each combination of values is a series for ever.
    pub labels: &'static [Label],
    /// What it means, in a line.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Kind {
    /// Prometheus' word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What tells the series of a metric apart.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub values: Values,
}

/// What a label may be. There is no "anything".
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One of these words.
    Words(&'static [&'static str]),
    /// One of these, which somebody else names: the states of a command, say.
    Of(fn() -> Vec<String>),
    /// Bounded by something else, said in words: the program's routes, say.
    Bounded(&'static str),
}

impl Label {
    /// A label that is one of these words.
    pub const fn words(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { name, values: Values::Words(words) }
    }

    /// A label with these values.
    pub const fn of(name: &'static str, values: fn() -> Vec<String>) -> Self {
        Self { name, values: Values::Of(values) }
    }

    /// A label whose values something else bounds.
    pub const fn bounded(name: &'static str, by: &'static str) -> Self {
        Self { name, values: Values::Bounded(by) }
    }

    /// Every value, where they can be listed.
    pub fn known(&self) -> Option<Vec<String>> {
        match self.values {
            Values::Words(words) => Some(words.iter().map(ToString::to_string).collect()),
            Values::Of(values) => Some(values()),
            Values::Bounded(_) => None,
        }
    }
}

impl Metric {
    /// A counter.
    pub const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, labels: &'static [Label], help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// A histogram.
    pub const fn histogram(name: &'static str, labels: &'static [Label], help: &'static str) -> Self {
        Self { name, kind: Kind::Histogram, labels, help }
    }

    fn unit(&self) -> Option<Unit> {
        let base = self.name.trim_end_matches("_total");
        [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)]
            .into_iter()
            .find_map(|(end, unit)| base.ends_with(end).then_some(unit))
    }

    /// Every series that is known before anything happens; none when a label's values are not.
    fn series(&self) -> Vec<Key> {
        let mut series = vec![Vec::new()];
        for label in self.labels {
            let Some(values) = label.known() else { return Vec::new() };
            let longer = |labels: &Vec<KeyLabel>| {
                let longer =
                    |value: &String| labels.iter().cloned().chain([KeyLabel::new(label.name, value.clone())]).collect();
                values.iter().map(longer).collect::<Vec<Vec<KeyLabel>>>()
            };
            series = series.iter().flat_map(longer).collect();
        }
        series.into_iter().map(|labels| Key::from_parts(self.name, labels)).collect()
    }
}

/// Tells the process's recorder what metrics mean, and begins every counter and histogram whose series are known: one that
/// appears with its first event has no rate that an alert could see. Gauges wait for somebody who knows their value.
pub fn describe(metrics: &[Metric]) {
    static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    with_recorder(|recorder| {
        for metric in metrics {
            let (name, help) = (KeyName::from_const_str(metric.name), SharedString::const_str(metric.help));
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, metric.unit(), help),
                Kind::Gauge => recorder.describe_gauge(name, metric.unit(), help),
                Kind::Histogram => recorder.describe_histogram(name, metric.unit(), help),
            }
            for key in metric.series() {
                match metric.kind {
                    Kind::Counter => recorder.register_counter(&key, &METADATA).increment(0),
                    Kind::Histogram => drop(recorder.register_histogram(&key, &METADATA)),
                    Kind::Gauge => {}
                }
            }
        }
    });
}
