//! Every SQL statement of Drover, and the pool they run on.
//!
//! Postgres is the truth. One module a table or concern; each function is one named statement that runs on whatever
//! client it is given, so that a use case composes them in a transaction of its own. State changes of commands go
//! through [`commands::apply`], whose guards are generated from the domain's transition function.

pub mod applications;
pub mod artifacts;
pub mod audiences;
pub mod audit;
pub mod catalogue;
pub mod check;
pub mod clients;
pub mod commands;
pub mod control;
pub mod credentials;
pub mod devices;
mod error;
pub mod failures;
pub mod files;
pub mod firmwares;
pub mod hints;
pub mod jobs;
mod metrics;
pub mod migrate;
pub mod outbox;
pub mod outcomes;
pub mod people;
mod pool;
pub mod presence;
pub mod pushing;
pub mod queues;
mod records;
pub mod reports;
pub mod restrictions;
mod rows;
pub mod samples;
mod sql;
pub mod stats;
pub mod tallies;
pub mod tenants;
pub mod timers;
pub mod watching;

pub use artifacts::{
    ApplicationArtifact, ApplicationRemoval, Artifact, ClientArtifact, RestrictionArtifact, RestrictionRemoval,
};
pub use deadpool_postgres::{GenericClient, Transaction as Tx};
pub use error::StoreError;
pub use metrics::METRICS;
pub use pool::{Client, MayConflict, Store, StoreOptions, TlsMode};
pub use records::{
    CommandRecord, DeviceCommandRecord, DeviceRecord, Firmware, FirmwareJob, InvalidPage, Job, Page, Paged, Product,
    UnknownWord, Window, Windowed,
};
pub use tokio_postgres::IsolationLevel;
