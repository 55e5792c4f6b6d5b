//! The admin API against a real database: what each call answers, who may make it, and files of many rows.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod control;
mod imports;
mod jobs;
#[path = "../support/jobs.rs"]
mod jobs_made;
mod people;
mod pushed;
mod queues;
mod resources;
mod scopes;
#[path = "../mdm/world.rs"]
mod world;
