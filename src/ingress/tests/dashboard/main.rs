//! The dashboard against a real database, as a browser without script sees it.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod browser;
mod control;
mod devices;
mod jobs;
#[path = "../support/jobs.rs"]
mod jobs_made;
mod live;
#[path = "../admin/pushed.rs"]
mod pushed;
mod queues;
mod sessions;
#[path = "../mdm/world.rs"]
mod world;
