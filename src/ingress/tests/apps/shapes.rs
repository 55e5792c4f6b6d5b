//! Whether an answer looks as the document's sample does.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

pub(crate) fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/samples").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Asserts that an answer has the fields of a sample, each of its type, and no others. A sample's list shows how each entry
/// looks, by any of its own entries. What is null in every sample may be null or a text or number.
#[track_caller]
pub(crate) fn assert_like(place: &str, found: &Value, samples: &[&Value]) {
    match found {
        Value::Object(fields) => {
            let wanted: Vec<_> = samples.iter().filter_map(|sample| sample.as_object()).collect();
            assert!(!wanted.is_empty(), "{place}: {found} is no object in the sample");
            let names: BTreeSet<&String> = fields.keys().collect();
            let expected: BTreeSet<&String> = wanted.iter().flat_map(|sample| sample.keys()).collect();
            assert_eq!(names, expected, "{place}");
            for (name, value) in fields {
                // What only some of the samples have is null in the others.
                let samples: Vec<&Value> =
                    wanted.iter().map(|sample| sample.get(name).unwrap_or(&Value::Null)).collect();
                assert_like(&format!("{place}.{name}"), value, &samples);
            }
        }
        Value::Array(found) => {
            let wanted: Vec<_> = samples.iter().filter_map(|sample| sample.as_array()).flatten().collect();
            assert!(samples.iter().any(|sample| sample.is_array()), "{place} is no list in the sample");
            for entry in found.iter().filter(|_| !wanted.is_empty()) {
                assert_like(place, entry, &wanted);
            }
        }
        _ => {
            let is_open = samples.iter().all(|sample| sample.is_null());
            assert!(
                is_open || samples.iter().any(|sample| kind(sample) == kind(found)),
                "{place}: {found} {samples:?}"
            );
            let times: Vec<&str> =
                samples.iter().filter_map(|s| s.as_str()).filter(|s| s.starts_with("2015-")).collect();
            if let (Some(time), Some(text)) = (times.first(), found.as_str()) {
                assert_eq!(digits_hidden(text), digits_hidden(time), "{place}");
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) | Value::Object(_) => "nested",
    }
}

fn digits_hidden(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "0")
}
