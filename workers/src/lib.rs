//! The worker roles: planner, dispatcher, ingest, timekeeper and relay.
//!
//! Planner, dispatcher and ingest are apalis workers on the broker's queues; timekeeper and relay are driven by the
//! database's clock and outbox. Any number of processes may run any of them at once: what each does is decided by rows
//! under a lock, a lease or a guard, never by being the only one.

mod channels;
mod dispatcher;
mod gauges;
mod heart;
mod ingest;
mod metrics;
mod patience;
mod periodic;
mod planner;
mod queues;
mod relay;
mod roles;
mod run;
mod sampler;
mod sessions;
mod sweeper;
mod timekeeper;

pub use heart::Place;
pub use metrics::METRICS;
pub use roles::{Role, Roles, UnknownRole};
pub use run::{Deps, RunError, WorkerSettings, run};
pub use sessions::DeviceSessions;
