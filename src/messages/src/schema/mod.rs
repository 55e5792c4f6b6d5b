//! The JSON Schemas of everything that travels, generated from the types. Only with the feature `schema`.

pub(crate) mod parts;

use schemars::{JsonSchema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Value, json};

use crate::{
    DeviceCommand, DeviceCommands, DeviceInventory, DeviceReport, DispatchCommands, Envelope, Message, PlanJob,
    ReportResults,
};

/// The version of the paths under which devices poll, and so of what has no version of its own there.
const HTTP_VERSION: u16 = 1;

/// The schema of one message.
#[derive(Debug)]
pub struct Document {
    /// The message.
    pub name: &'static str,
    /// Its version.
    pub version: u16,
    /// A JSON Schema of draft 2020-12 that refers to nothing outside of it.
    pub schema: Value,
}

impl Document {
    /// The name of its file in `schemas/messages`.
    pub fn file_name(&self) -> String {
        format!("{}.v{}.schema.json", self.name, self.version)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.schema)
    }

    fn of<T: JsonSchema>(name: &'static str, version: u16) -> Self {
        let generator = SchemaSettings::draft2020_12()
            .with_transform(RecursiveTransform(parts::let_unknown_fields_pass))
            .into_generator();
        let mut schema = generator.into_root_schema_for::<T>();
        schema.insert("$id".into(), json!(format!("urn:drover:{name}:v{version}")));
        schema.insert("title".into(), json!(format!("{name}, version {version}")));
        Self { name, version, schema: schema.to_value() }
    }

    fn enveloped<M: Message + JsonSchema>() -> Self {
        Self::of::<Envelope<M>>(M::NAME, M::VERSION)
    }

    fn flat<M: Message + JsonSchema>() -> Self {
        Self::of::<M>(M::NAME, M::VERSION)
    }
}

/// The schemas of all messages in the versions that this program writes.
pub fn documents() -> Vec<Document> {
    vec![
        Document::enveloped::<PlanJob>(),
        Document::enveloped::<DispatchCommands>(),
        Document::flat::<DeviceCommand>(),
        Document::flat::<DeviceReport>(),
        Document::of::<DeviceCommands>("device_commands", HTTP_VERSION),
        Document::of::<parts::DeviceReports>("device_reports", HTTP_VERSION),
        Document::of::<DeviceInventory>("device_inventory", HTTP_VERSION),
        Document::of::<ReportResults>("report_results", HTTP_VERSION),
    ]
}
