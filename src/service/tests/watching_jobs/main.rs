//! What operators read of jobs, against a real Postgres.
#![allow(clippy::unwrap_used)]

mod commands;
mod listing;
mod samples;
mod scene;
#[path = "../support/mod.rs"]
mod support;
