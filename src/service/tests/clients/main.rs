//! The catalogue of client programs over a real Postgres.
#![allow(clippy::unwrap_used)]

mod checks;
mod rules;
mod scope;
#[path = "../support/mod.rs"]
mod support;
mod world;
