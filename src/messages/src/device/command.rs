//! What a device is told.

use serde::{Deserialize, Serialize};

use super::{ApplicationFile, InstallOptions, RestrictionList};
#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    DecodeError, InvalidMessage, Message,
    checks::{AMOUNTS, ATTEMPTS, IDS, MD5_DIGITS, SHA256_DIGITS, TIMES, hash, within},
    decode::read_flat,
};

/// To a device, on `devices.<uuid>.commands` or in the answer to its poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DeviceCommand {
    /// Download this firmware and install it.
    Upgrade {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The file.
        firmware: FirmwareFile,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Download this version of a client program and install it in place of the one that runs.
    UpgradeClient {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The version and its file.
        client: ClientFile,
        /// Whether the user may not put it off.
        force: bool,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Install this release of an application, unless it or a newer one is there.
    InstallApplication {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The release.
        application: ApplicationFile,
        /// How it is installed and kept.
        options: InstallOptions,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Remove this application. What is not there is removed already.
    UninstallApplication {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The application.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        application_id: i64,
        /// What the operating system knows it by; of an application of the store, `id` and its number there.
        package_name: String,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Keep to this list of applications, in place of an earlier revision of it.
    ApplyRestriction {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The list.
        restriction: RestrictionList,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Keep to this list of applications no more.
    RemoveRestriction {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// Identity of the command, to be repeated in every report.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// The attempt, to be repeated in every report. A device that gets the same attempt twice acts once.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
        /// The list.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        restriction_id: i64,
        /// Seconds until the attempt is given up; 0 in the last second of it.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::time"))]
        timeout_s: i64,
    },
    /// Stop the command if that is still possible, and say which.
    Cancel {
        /// Version of this format.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::version::<DeviceCommand>"))]
        v: u16,
        /// The command to stop.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        command_id: i64,
        /// Its attempt.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
    },
}

impl DeviceCommand {
    /// The version of this format.
    pub const VERSION: u16 = 1;

    /// The command's identity and its attempt.
    pub const fn identity(&self) -> (i64, i16) {
        let (Self::Upgrade { command_id, attempt, .. }
        | Self::UpgradeClient { command_id, attempt, .. }
        | Self::InstallApplication { command_id, attempt, .. }
        | Self::UninstallApplication { command_id, attempt, .. }
        | Self::ApplyRestriction { command_id, attempt, .. }
        | Self::RemoveRestriction { command_id, attempt, .. }
        | Self::Cancel { command_id, attempt, .. }) = self;
        (*command_id, *attempt)
    }
}

/// A firmware file as a device needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirmwareFile {
    /// Where to download it; expires.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::url"))]
    pub url: String,
    /// The version it brings.
    pub version: String,
    /// Length in bytes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::amount"))]
    pub size_bytes: i64,
    /// SHA-256 of the file, lower-case hexadecimal.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::sha256"))]
    pub sha256: String,
    /// MD5 of the file, for devices that know nothing better.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::md5"))]
    pub md5: String,
}

/// A version of a client program as a device needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientFile {
    /// Where to download it; expires.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::url"))]
    pub url: String,
    /// The program, by the name that its operating system knows it by.
    pub package_name: String,
    /// The version, as a number that grows. The device shows it when it checks for versions, and so proves the upgrade.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::amount"))]
    pub version_code: i64,
    /// The version, as people read it.
    pub version_name: String,
    /// Length in bytes.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::amount"))]
    pub size_bytes: i64,
    /// SHA-256 of the file, lower-case hexadecimal.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::sha256"))]
    pub sha256: String,
    /// MD5 of the file, for devices that know nothing better.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::md5"))]
    pub md5: String,
}

impl Message for DeviceCommand {
    const NAME: &'static str = "device_command";
    const VERSION: u16 = Self::VERSION;

    fn decode(bytes: &[u8], _routing_key: &str) -> Result<Self, DecodeError> {
        read_flat(bytes)
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn check(&self) -> Result<(), InvalidMessage> {
        let (command_id, attempt) = self.identity();
        within("command_id", command_id, IDS)?;
        within("attempt", attempt, ATTEMPTS)?;
        match self {
            Self::Upgrade { firmware, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                within("firmware.size_bytes", firmware.size_bytes, AMOUNTS)?;
                hash("firmware.sha256", &firmware.sha256, SHA256_DIGITS)?;
                hash("firmware.md5", &firmware.md5, MD5_DIGITS)
            }
            Self::UpgradeClient { client, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                within("client.version_code", client.version_code, AMOUNTS)?;
                within("client.size_bytes", client.size_bytes, AMOUNTS)?;
                hash("client.sha256", &client.sha256, SHA256_DIGITS)?;
                hash("client.md5", &client.md5, MD5_DIGITS)
            }
            Self::InstallApplication { application, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                application.check()
            }
            Self::UninstallApplication { application_id, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                within("application_id", *application_id, IDS)
            }
            Self::ApplyRestriction { restriction, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                restriction.check()
            }
            Self::RemoveRestriction { restriction_id, timeout_s, .. } => {
                within("timeout_s", *timeout_s, TIMES)?;
                within("restriction_id", *restriction_id, IDS)
            }
            Self::Cancel { .. } => Ok(()),
        }
    }
}
