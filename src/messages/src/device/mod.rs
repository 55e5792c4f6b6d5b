//! Messages to and from devices. Devices are written by others: these formats are flat and stable.

mod command;
mod http;
mod report;
mod topics;

pub use command::{ClientFile, DeviceCommand, FirmwareFile};
pub use http::{DeviceCommands, ReportResult, ReportResults};
pub use report::{DeviceReport, ReportStatus};
pub use topics::{device_of_reports_key, device_topic};
