//! The examples are what schemas and code take; the invalid ones are what both refuse.

use std::collections::BTreeSet;

use drover_messages::schema;
use serde_json::Value;

use crate::support::{fits, names, objections, rewritten, samples, walk};

#[test]
fn every_example_fits_its_schema_and_reads_and_writes_back_the_same() {
    for sample in samples("examples") {
        assert_eq!(objections(&sample.message, &sample.value), Vec::<String>::new(), "{}", sample.file);
        assert_eq!(rewritten(&sample.message, &sample.bytes).unwrap(), sample.value, "{}", sample.file);
    }
}

#[test]
fn every_invalid_example_is_refused_by_its_schema_and_by_the_code() {
    for sample in samples("invalid") {
        assert!(!fits(&sample.message, &sample.value), "{}", sample.file);
        let error = rewritten(&sample.message, &sample.bytes).expect_err(&sample.file);
        assert!(!error.is_newer(), "{}: {error}", sample.file);
    }
}

#[test]
fn every_message_has_examples_of_both_kinds() {
    for folder in ["examples", "invalid"] {
        let samples = samples(folder);
        let seen: BTreeSet<&str> = samples.iter().map(|sample| sample.message.as_str()).collect();
        assert_eq!(seen, names().collect(), "{folder}");
    }
}

/// Each alternative is told by a constant, so an example that holds the constant is an example of it.
#[test]
fn every_alternative_has_an_example() {
    let samples = samples("examples");
    for document in schema::documents() {
        let mut shown = BTreeSet::new();
        for sample in samples.iter().filter(|sample| sample.message == document.name) {
            walk(&sample.value, &mut |value| shown.extend(value.as_str()));
        }
        let mut alternatives = BTreeSet::new();
        walk(&document.schema, &mut |value| alternatives.extend(value.get("const").and_then(Value::as_str)));
        // The list says nothing new of its elements, which have examples of their own.
        if document.name != "device_reports" {
            let missing: Vec<_> = alternatives.difference(&shown).collect();
            assert!(missing.is_empty(), "{} has no example with {missing:?}", document.name);
        }
    }
}
