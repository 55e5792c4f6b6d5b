//! Schemas and code take the same messages and refuse the same.

use drover_messages::{
    DeviceCommand, DeviceCommands, DeviceInventory, DeviceReport, DispatchCommands, Message, PlanJob, ReportResults,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    changes::any_change,
    support::{DEVICE, encoded, fits, json, objections, rewritten, samples},
    values::{command_lists, commands, dispatches, inventories, plan_jobs, reports, result_lists},
};

/// What is written fits the schema and reads as what it was.
fn assert_travels<M: Message + PartialEq + std::fmt::Debug>(message: &M) {
    let bytes = message.encode().unwrap();
    assert_eq!(objections(M::NAME, &encoded(message)), Vec::<String>::new());
    assert_eq!(M::decode(&bytes, &format!("devices.{DEVICE}.reports")).unwrap(), *message);
}

proptest! {
    #[test]
    fn plan_jobs_travel(message in plan_jobs()) {
        assert_travels::<PlanJob>(&message);
    }

    #[test]
    fn dispatches_travel(message in dispatches()) {
        assert_travels::<DispatchCommands>(&message);
    }

    #[test]
    fn commands_travel(message in commands()) {
        assert_travels::<DeviceCommand>(&message);
    }

    #[test]
    fn reports_travel(message in reports()) {
        assert_travels::<DeviceReport>(&message);
    }

    #[test]
    fn lists_of_commands_travel(message in command_lists()) {
        let value = json(&message);
        prop_assert_eq!(objections("device_commands", &value), Vec::<String>::new());
        prop_assert_eq!(DeviceCommands::decode(value.to_string().as_bytes()).unwrap(), message);
    }

    #[test]
    fn bodies_of_reports_travel(one in reports(), many in prop::collection::vec(reports(), 1..4)) {
        for (value, reports) in [(json(&one), vec![one]), (json(&many), many)] {
            prop_assert_eq!(objections("device_reports", &value), Vec::<String>::new());
            prop_assert_eq!(DeviceReport::from_body(value.to_string().as_bytes(), DEVICE).unwrap(), reports);
        }
    }

    #[test]
    fn inventories_travel(message in inventories()) {
        let value = json(&message);
        prop_assert_eq!(objections("device_inventory", &value), Vec::<String>::new());
        prop_assert_eq!(DeviceInventory::from_body(value.to_string().as_bytes()).unwrap(), message);
    }

    #[test]
    fn results_travel(message in result_lists()) {
        let value = json(&message);
        prop_assert_eq!(objections("report_results", &value), Vec::<String>::new());
        prop_assert_eq!(ReportResults::decode(value.to_string().as_bytes()).unwrap(), message);
    }

    /// Every example, changed in one or two places.
    #[test]
    fn what_one_refuses_the_other_refuses(changes in prop::collection::vec(any_change(), 1..=2)) {
        for sample in samples("examples") {
            let mut value = sample.value;
            for change in &changes {
                change.apply(&mut value);
            }
            assert_agreed(&sample.message, &value);
        }
    }
}

fn assert_agreed(message: &str, value: &Value) {
    let read = rewritten(message, value.to_string().as_bytes());
    assert_eq!(fits(message, value), read.is_ok(), "{message} {value}: {read:?}, {:?}", objections(message, value));
}
