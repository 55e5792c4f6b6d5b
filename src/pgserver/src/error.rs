//! What can go wrong, each said so that the operator knows what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a private server could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PgServerError {
    /// The machine has no PostgreSQL, or none that this process may run.
    #[error(
        "no usable PostgreSQL found (looked in {searched}); install it (Debian: apt-get install postgresql), \
         run `make up`, or set DATABASE_URL to a server that is already there"
    )]
    NoBinaries {
        /// The directories looked into, with the reason where one of them held an unusable PostgreSQL.
        searched: String,
    },
    /// The data directory was written by another major version than any that is installed.
    #[error(
        "{cluster} was made by PostgreSQL {wanted}, but only version {found} is installed; install \
         PostgreSQL {wanted}, or move the directory away to begin anew"
    )]
    OtherVersion {
        /// The cluster's directory.
        cluster: PathBuf,
        /// The major version that wrote it.
        wanted: u32,
        /// The major versions found, as a list.
        found: String,
    },
    /// PostgreSQL refuses to run as root, and there is no other account to run it under.
    #[error("PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody")]
    NoAccount,
    /// A folder above the data directory keeps the server's account out.
    #[error(
        "PostgreSQL runs as user {user}, who may not enter {}; run `chmod o+x {}` or choose another data directory",
        folder.display(), folder.display()
    )]
    NotTraversable {
        /// The folder that lacks the permission.
        folder: PathBuf,
        /// The account that needs it.
        user: String,
    },
    /// Another process is starting the server of this data directory and does not finish.
    #[error("another process has been starting the server in {} for {waited:?}", home.display())]
    Busy {
        /// The directory both want.
        home: PathBuf,
        /// How long this one has waited.
        waited: Duration,
    },
    /// The port that was asked for belongs to somebody else.
    #[error("port {port} on 127.0.0.1 is already in use")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// `initdb` failed.
    #[error("could not create a PostgreSQL cluster in {}: {output}", cluster.display())]
    Initdb {
        /// Where the cluster should have been.
        cluster: PathBuf,
        /// What initdb said.
        output: String,
    },
    /// The server ended while it was starting.
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server neither answered nor ended in time.
    #[error("PostgreSQL did not {what} within {waited:?}; see {}", log.display())]
    Timeout {
        /// What it should have done.
        what: &'static str,
        /// How long it was given.
        waited: Duration,
        /// The server's log.
        log: PathBuf,
    },
    /// The server answered a statement of ours with an error.
    #[error("the private PostgreSQL server refused to {what}")]
    Sql {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        source: tokio_postgres::Error,
    },
    /// A file, directory or process could not be handled.
    #[error("could not {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A signal could not be sent to the server.
    #[error("could not signal the PostgreSQL server, process {pid}")]
    Signal {
        /// The server's process id.
        pid: i32,
        /// The system's reason.
        source: nix::errno::Errno,
    },
}

impl PgServerError {
    /// For `map_err`: the same failure with what was tried and on which path.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
