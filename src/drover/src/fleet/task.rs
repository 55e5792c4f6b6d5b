//! What a command comes to for a simulated device: a file to fetch, or nothing but to say that it is done.

use drover_messages::{ClientFile, DeviceCommand, FirmwareFile, PackageFile};

use super::memory::Line;

/// What a device is told to do.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) command_id: i64,
    pub(super) attempt: i16,
    pub(super) line: Line,
    /// What it must download first. The version of an application is the application's, not the device's: it is empty.
    pub(super) file: Option<FirmwareFile>,
    pub(super) timeout_s: i64,
}

impl Task {
    /// `None` for what is no task, and what a newer program wrote.
    pub(super) fn of(command: DeviceCommand) -> Option<Self> {
        let (command_id, attempt) = command.identity();
        let (v, line, file, timeout_s) = match command {
            DeviceCommand::Upgrade { v, firmware, timeout_s, .. } => (v, Line::Upgrade, Some(firmware), timeout_s),
            // To a simulated device a client program is a file with a version, like any other.
            DeviceCommand::UpgradeClient { v, client, timeout_s, .. } => {
                let ClientFile { url, version_name: version, size_bytes, sha256, md5, .. } = client;
                (v, Line::Upgrade, Some(FirmwareFile { url, version, size_bytes, sha256, md5 }), timeout_s)
            }
            DeviceCommand::InstallApplication { v, application, timeout_s, .. } => {
                let file = application.file.map(|package| {
                    let PackageFile { url, size_bytes, sha256, md5, .. } = package;
                    FirmwareFile { url, version: String::new(), size_bytes, sha256, md5 }
                });
                (v, Line::Application(application.application_id), file, timeout_s)
            }
            DeviceCommand::UninstallApplication { v, application_id, timeout_s, .. } => {
                (v, Line::Application(application_id), None, timeout_s)
            }
            DeviceCommand::ApplyRestriction { v, restriction, timeout_s, .. } => {
                (v, Line::Restriction(restriction.restriction_id), None, timeout_s)
            }
            DeviceCommand::RemoveRestriction { v, restriction_id, timeout_s, .. } => {
                (v, Line::Restriction(restriction_id), None, timeout_s)
            }
            DeviceCommand::Cancel { .. } => return None,
        };
        (v <= DeviceCommand::VERSION).then_some(Self { command_id, attempt, line, file, timeout_s })
    }
}
