//! Messages to and from devices. Devices are written by others: these formats are flat and stable.

mod application;
mod command;
mod http;
mod inventory;
mod report;
mod restriction;
mod topics;

pub use application::{ApplicationFile, InstallOptions, PackageFile, StoreApplication};
pub use command::{ClientFile, DeviceCommand, FirmwareFile};
pub use http::{DeviceCommands, ReportResult, ReportResults};
pub use inventory::{DeviceInventory, InstalledApp};
pub use report::{DeviceReport, ReportStatus};
pub use restriction::{ListKind, ListedApplication, RestrictionList};
pub use topics::{device_of_reports_key, device_topic};
