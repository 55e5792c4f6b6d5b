//! The examples in `schemas/messages/examples` are what the code reads and writes.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use drover_messages::{DeviceCommand, DeviceReport, DispatchCommands, Message, PlanJob};
use serde_json::Value;

fn rewritten(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name.split('.').next().unwrap() {
        "plan_job" => PlanJob::decode(bytes, "").unwrap().encode().unwrap(),
        "dispatch_commands" => DispatchCommands::decode(bytes, "").unwrap().encode().unwrap(),
        "device_report" => DeviceReport::decode(bytes, "devices.d1.reports").unwrap().encode().unwrap(),
        "device_command" => serde_json::to_vec(&serde_json::from_slice::<DeviceCommand>(bytes).unwrap()).unwrap(),
        other => panic!("no such message: {other}"),
    }
}

#[test]
fn every_example_reads_and_writes_back_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/messages/examples");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (name, bytes) = (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        let expected: Value = serde_json::from_slice(&bytes).unwrap();
        let actual: Value = serde_json::from_slice(&rewritten(&name, &bytes)).unwrap();
        assert_eq!(actual, expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 7);
}
