//! A private PostgreSQL server for a process that wants one without asking its operator for it.
//!
//! [`PgServer::ensure`] makes the server of a data directory answer: it adopts the one that an earlier run left
//! behind, or starts the cluster that is there, or creates one. The binaries come from the machine (see
//! [`PgServerOptions::binaries`] for the order of search); nothing is downloaded here.
//!
//! Everything lies in `<data_dir>/postgres`: the cluster, its log, the port it was last given, and `dist/`, where an
//! installer may unpack PostgreSQL for machines without a package of it.
//!
//! The server listens on 127.0.0.1 only and trusts whoever can connect there: it suits a machine of one's own. Where
//! other people have accounts, run a PostgreSQL with passwords and give its URL instead.

mod account;
mod admin;
mod binaries;
mod error;
mod files;
mod home;
mod initdb;
mod options;
mod pidfile;
mod port;
mod server;
mod start;

pub use error::PgServerError;
pub use options::PgServerOptions;
pub use server::PgServer;
