//! The schemas, the files, and the code by a message's name.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use drover_messages::{
    DecodeError, DeviceCommand, DeviceCommands, DeviceInventory, DeviceReport, DispatchCommands, Message, PlanJob,
    ReportResults, schema,
};
use jsonschema::Validator;
use serde::Serialize;
use serde_json::Value;

/// The device whose reports are read.
pub(crate) const DEVICE: &str = "d1";

/// The schemas, and the schemas with formats looked at: whether a text is a URL is for the device to find out, the code
/// hands it on.
static VALIDATORS: LazyLock<BTreeMap<&'static str, [Validator; 2]>> = LazyLock::new(|| {
    let build = |schema: &Value, formats: bool| {
        let options = jsonschema::draft202012::options().should_ignore_unknown_formats(false);
        options.should_validate_formats(formats).build(schema).expect("a schema")
    };
    let both = |schema: &Value| [build(schema, false), build(schema, true)];
    schema::documents().into_iter().map(|document| (document.name, both(&document.schema))).collect()
});

/// Every message.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    VALIDATORS.keys().copied()
}

/// Whether `value` fits the schema of `message`, formats aside.
pub(crate) fn fits(message: &str, value: &Value) -> bool {
    VALIDATORS[message][0].is_valid(value)
}

/// What the schema of `message` has against `value`, formats included.
pub(crate) fn objections(message: &str, value: &Value) -> Vec<String> {
    VALIDATORS[message][1].iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Reads a message with the code, and writes it back.
pub(crate) fn rewritten(message: &str, bytes: &[u8]) -> Result<Value, DecodeError> {
    let key = format!("devices.{DEVICE}.reports");
    Ok(match message {
        PlanJob::NAME => encoded(&PlanJob::decode(bytes, "")?),
        DispatchCommands::NAME => encoded(&DispatchCommands::decode(bytes, "")?),
        DeviceCommand::NAME => encoded(&DeviceCommand::decode(bytes, "")?),
        DeviceReport::NAME => encoded(&DeviceReport::decode(bytes, &key)?),
        "device_commands" => json(&DeviceCommands::decode(bytes)?),
        "device_reports" => {
            let reports = DeviceReport::from_body(bytes, DEVICE)?;
            if bytes.starts_with(b"[") { json(&reports) } else { json(&reports[0]) }
        }
        "device_inventory" => json(&DeviceInventory::from_body(bytes)?),
        "report_results" => json(&ReportResults::decode(bytes)?),
        other => panic!("no such message: {other}"),
    })
}

/// A message as it travels.
pub(crate) fn encoded<M: Message>(message: &M) -> Value {
    serde_json::from_slice(&message.encode().unwrap()).unwrap()
}

/// What has no name of its own, as it travels.
pub(crate) fn json(message: &impl Serialize) -> Value {
    serde_json::to_value(message).unwrap()
}

/// A folder below `schemas/messages`.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/messages").join(name)
}

/// A file with a message.
pub(crate) struct Sample {
    /// The file's name.
    pub(crate) file: String,
    /// Which message: the first part of the file's name.
    pub(crate) message: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) value: Value,
}

/// All files in a folder, by name.
pub(crate) fn samples(name: &str) -> Vec<Sample> {
    let sample = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let (file, bytes) = (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        let message = file.split('.').next().unwrap().to_owned();
        Sample { value: serde_json::from_slice(&bytes).unwrap(), file, message, bytes }
    };
    let mut samples: Vec<Sample> = fs::read_dir(folder(name)).unwrap().map(sample).collect();
    samples.sort_by(|a, b| a.file.cmp(&b.file));
    samples
}

/// Calls `visit` for a value and everything in it.
pub(crate) fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(elements) => elements.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}
