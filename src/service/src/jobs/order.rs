//! What a job's devices are told to do.

use drover_messages::{ApplicationFile, ClientFile, DeviceCommand, FirmwareFile, InstallOptions, RestrictionList};
use drover_store::Artifact;

use crate::{Job, Service, applications::pushing::orders};

/// What all devices of a job are told, but for what names each one's command.
#[derive(Debug, Clone)]
pub struct Order(Brings);

#[derive(Debug, Clone)]
enum Brings {
    Firmware(FirmwareFile),
    Client { client: ClientFile, force: bool },
    Application { application: ApplicationFile, options: InstallOptions },
    ApplicationRemoval { application_id: i64, package_name: String },
    Restriction(RestrictionList),
    RestrictionRemoval(i64),
}

impl Order {
    /// What one device is told; `timeout_s` is what is left of the attempt.
    pub fn command(&self, command_id: i64, attempt: i16, timeout_s: i64) -> DeviceCommand {
        let v = DeviceCommand::VERSION;
        match self.0.clone() {
            Brings::Firmware(firmware) => DeviceCommand::Upgrade { v, command_id, attempt, firmware, timeout_s },
            Brings::Client { client, force } => {
                DeviceCommand::UpgradeClient { v, command_id, attempt, client, force, timeout_s }
            }
            Brings::Application { application, options } => {
                DeviceCommand::InstallApplication { v, command_id, attempt, application, options, timeout_s }
            }
            Brings::ApplicationRemoval { application_id, package_name } => {
                DeviceCommand::UninstallApplication { v, command_id, attempt, application_id, package_name, timeout_s }
            }
            Brings::Restriction(restriction) => {
                DeviceCommand::ApplyRestriction { v, command_id, attempt, restriction, timeout_s }
            }
            Brings::RestrictionRemoval(restriction_id) => {
                DeviceCommand::RemoveRestriction { v, command_id, attempt, restriction_id, timeout_s }
            }
        }
    }
}

impl Service {
    /// What a job's devices are told, with a link that outlives an attempt.
    pub fn order(&self, job: &Job, artifact: &Artifact) -> Order {
        let timeout = job.policy.attempt_timeout();
        Order(match artifact {
            Artifact::Firmware(firmware) => Brings::Firmware(FirmwareFile {
                url: self.firmware_link_for(firmware, timeout),
                version: firmware.version.clone(),
                size_bytes: firmware.size_bytes,
                sha256: firmware.sha256.clone(),
                md5: firmware.md5.clone(),
            }),
            Artifact::Client(client) => Brings::Client {
                client: ClientFile {
                    url: self.file_link_for(client.file, &client.app_name, timeout),
                    package_name: client.package_name.clone(),
                    version_code: client.version_code.into(),
                    version_name: client.version_name.clone(),
                    size_bytes: client.size_bytes,
                    sha256: client.sha256.clone(),
                    md5: client.md5.clone(),
                },
                force: client.force,
            },
            Artifact::Application(application) => Brings::Application {
                application: self.application_file(application, timeout),
                options: orders::install_options(&application.settings),
            },
            Artifact::ApplicationRemoval(removal) => Brings::ApplicationRemoval {
                application_id: removal.application.0,
                package_name: removal.package_name.clone(),
            },
            Artifact::Restriction(restriction) => Brings::Restriction(orders::restriction_list(restriction)),
            Artifact::RestrictionRemoval(removal) => Brings::RestrictionRemoval(removal.restriction.0),
        })
    }
}
