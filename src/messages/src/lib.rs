//! What travels on the broker: versioned messages and the envelope around them.
//!
//! A message carries identity, never a decision and never a state: the worker
//! that receives it reads the row and decides. The types here are the wire
//! format; the types of `drover-domain` are not serialisable on purpose.

mod device;
mod envelope;
mod queues;
mod trace;
mod work;

pub use device::{
    DeviceCommand, DeviceReport, FirmwareFile, InvalidReport, ReportStatus, device_of_reports_key, device_topic,
};
pub use envelope::{DecodeError, Envelope, Message};
pub use queues::Queue;
pub use trace::{InvalidTraceContext, TraceContext};
pub use work::{DeviceSet, DispatchAction, DispatchCommands, PlanJob};
