//! Configuration: built-in values, then a TOML file, then the environment, then flags; the later one wins.
//!
//! The rest of the program is handed a finished [`Config`]. Nothing else reads the environment, and nobody looks at a
//! key twice: what is out of range or unknown ends the program here, named together with the place it came from.
//! `docs/configuration.md` lists every key; a test compares the two.

mod error;
mod overrides;
mod ranges;
mod secret;
mod sections;
mod sources;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::Serialized;
use serde::{Deserialize, Serialize};

pub(crate) use error::ConfigError;
pub(crate) use overrides::Overrides;
pub(crate) use secret::Secret;
pub(crate) use sections::{
    Amqp, Applications, Database, DatabaseTls, Devices, Files, Http, Log, LogFormat, Top, Traces, Workers,
};

/// Read when no file is asked for and it is there.
const DEFAULT_FILE: &str = "drover.toml";

/// Everything that can be set about a Drover process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where cluster, files and notes of this process lie.
    pub(crate) data_dir: PathBuf,
    /// The key that signs links and seals stored credentials. Without it `drover up` makes one in `data_dir`.
    #[serde(deserialize_with = "secret::key_from_base64")]
    pub(crate) secret_key: Option<Secret<[u8; 32]>>,
    /// The HTTP server.
    pub(crate) http: Http,
    /// PostgreSQL.
    pub(crate) database: Database,
    /// RabbitMQ.
    pub(crate) amqp: Amqp,
    /// Devices that log in.
    pub(crate) devices: Devices,
    /// Uploaded files.
    pub(crate) files: Files,
    /// Uploaded applications.
    pub(crate) applications: Applications,
    /// The TOP gateway.
    pub(crate) top: Top,
    /// What the process says about itself.
    pub(crate) log: Log,
    /// Where its spans go.
    pub(crate) traces: Traces,
    /// The worker roles.
    pub(crate) workers: Workers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./drover-data"),
            secret_key: None,
            http: Http::default(),
            database: Database::default(),
            amqp: Amqp::default(),
            devices: Devices::default(),
            files: Files::default(),
            applications: Applications::default(),
            top: Top::default(),
            log: Log::default(),
            traces: Traces::default(),
            workers: Workers::default(),
        }
    }
}

impl Config {
    /// The directory of uploaded files: `files.url`, or `files` in the data directory.
    pub(crate) fn files_dir(&self) -> PathBuf {
        match &self.files.url {
            Some(url) => PathBuf::from(url.strip_prefix("file://").unwrap_or(url)),
            None => self.data_dir.join("files"),
        }
    }
}

/// The configuration of this process: `overrides` are its flags, the rest is looked up.
pub(crate) fn load(overrides: &Overrides) -> Result<Config, ConfigError> {
    // The one place that reads the environment.
    #[allow(clippy::disallowed_methods)]
    let environment = std::env::vars_os();
    load_from(overrides, environment, Path::new(DEFAULT_FILE))
}

/// The same with everything that is looked up given.
fn load_from(
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    default_file: &Path,
) -> Result<Config, ConfigError> {
    let keys = sources::Keys::of_default()?;
    let mut figment = Figment::from(Serialized::defaults(Config::default())).merge(overrides.fallbacks());
    if let Some(file) = sources::file(overrides.file(), default_file, &keys)? {
        figment = figment.merge(file);
    }
    figment = figment.merge(sources::Environment::read(environment, &keys)?).merge(overrides);
    let config = figment.extract().map_err(ConfigError::from)?;
    ranges::check(&figment)?;
    ranges::check_relations(&config, &figment)?;
    Ok(config)
}
