//! What travels on the broker: versioned messages and the envelope around them.
//!
//! A message carries identity, never a decision and never a state: the worker
//! that receives it reads the row and decides. The types here are the wire
//! format; the types of `drover-domain` are not serialisable on purpose.

mod checks;
mod decode;
mod device;
mod envelope;
mod queues;
#[cfg(feature = "schema")]
pub mod schema;
mod work;

pub use decode::{DecodeError, InvalidMessage};
pub use device::{
    ApplicationFile, ClientFile, DeviceCommand, DeviceCommands, DeviceInventory, DeviceReport, FirmwareFile,
    InstallOptions, InstalledApp, ListKind, ListedApplication, PackageFile, ReportResult, ReportResults, ReportStatus,
    RestrictionList, StoreApplication, device_of_reports_key, device_topic,
};
pub use drover_telemetry::{InvalidTraceContext, TraceContext};
pub use envelope::{Envelope, Message};
pub use queues::Queue;
pub use work::{DeviceSet, DispatchAction, DispatchCommands, PlanJob};
