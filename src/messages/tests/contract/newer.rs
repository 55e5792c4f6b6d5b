//! A newer version is left for newer workers, whatever else is in it.

use drover_messages::{DeviceCommand, DeviceReport, DispatchCommands, Message, PlanJob};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    changes::any_json,
    support::{fits, rewritten, samples},
};

const ENVELOPED: [&str; 2] = [PlanJob::NAME, DispatchCommands::NAME];
const FLAT: [&str; 2] = [DeviceCommand::NAME, DeviceReport::NAME];

/// Versions that nobody here knows; the last ones do not even fit the type that versions have.
fn newer_versions() -> impl Strategy<Value = u64> {
    prop_oneof![Just(2), 2..=100_u64, Just(u64::from(u16::MAX)), Just(u64::from(u16::MAX) + 1), Just(u64::MAX)]
}

/// The same message from a newer program, for those whose version stands at the top.
fn raised(message: &str, fields: Value, version: u64) -> Value {
    let Value::Object(mut fields) = fields else { panic!("{message} is an object") };
    if ENVELOPED.contains(&message) {
        fields.insert("name".into(), json!(message));
        fields.insert("version".into(), json!(version));
    } else {
        fields.insert("v".into(), json!(version));
    }
    Value::Object(fields)
}

fn assert_newer(message: &str, value: &Value) {
    let error = rewritten(message, value.to_string().as_bytes()).expect_err(message);
    assert!(error.is_newer(), "{value}: {error}");
    assert!(!fits(message, value), "{value}");
}

proptest! {
    #[test]
    fn every_example_in_a_newer_version_is_left(version in newer_versions()) {
        for sample in samples("examples") {
            match sample.message.as_str() {
                message if ENVELOPED.contains(&message) || FLAT.contains(&message) => {
                    assert_newer(message, &raised(message, sample.value, version));
                }
                "device_reports" => {
                    let reports = match sample.value { Value::Array(reports) => reports, one => vec![one] };
                    let reports = reports.into_iter().map(|report| raised("device_report", report, version));
                    assert_newer("device_reports", &reports.collect());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn everything_else_may_have_changed(
        version in newer_versions(),
        fields in prop::collection::btree_map("[a-z_]{1,12}|command_id|attempt|status|type|body", any_json(), 0..6),
    ) {
        let fields: Map<String, Value> = fields.into_iter().collect();
        for message in ENVELOPED.into_iter().chain(FLAT) {
            assert_newer(message, &raised(message, Value::Object(fields.clone()), version));
        }
    }

    #[test]
    fn one_newer_report_of_many_is_told_from_a_bad_one(version in newer_versions(), at in 0..3_usize) {
        let report = json!({ "command_id": 1, "attempt": 1, "status": "failed" });
        let mut reports = vec![report.clone(); 3];
        reports[at] = raised("device_report", report, version);
        assert_newer("device_reports", &Value::Array(reports));
    }
}
