//! What the caller may choose.

use std::path::PathBuf;
use std::time::Duration;

/// How a private server is to be run. Only the data directory has no default.
#[derive(Debug, Clone)]
pub struct PgServerOptions {
    /// Drover's data directory; the server keeps to `<data_dir>/postgres`.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1. `None`: the one it had last time, or a free one when that is taken.
    pub port: Option<u16>,
    /// The database that is created when missing, and that [`crate::PgServer::url`] names.
    pub database: String,
    /// Server settings, given on the command line and so stronger than the cluster's own files.
    pub settings: Vec<(String, String)>,
    /// Directories with PostgreSQL binaries, tried after `PATH` and the usual places of packages and before
    /// `<data_dir>/postgres/dist`.
    pub binaries: Vec<PathBuf>,
    /// Where the cluster goes when this process is root and a folder above `data_dir` keeps the server's account out;
    /// `<data_dir>/postgres` is then a link to it. `None`: that case is an error.
    pub fallback_dir: Option<PathBuf>,
    /// How long starting, and likewise stopping, may take. Recovery after a crash counts as starting.
    pub timeout: Duration,
}

impl PgServerOptions {
    /// A server for `data_dir` with every default.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            database: "drover".to_owned(),
            settings: Vec::new(),
            binaries: Vec::new(),
            fallback_dir: Some(PathBuf::from("/var/lib/drover")),
            timeout: Duration::from_mins(1),
        }
    }

    /// Whether the caller gave up durability, so that creating the cluster need not wait for the disk either.
    pub(crate) fn is_volatile(&self) -> bool {
        self.settings.iter().any(|(name, value)| name == "fsync" && matches!(value.as_str(), "off" | "false" | "0"))
    }
}
