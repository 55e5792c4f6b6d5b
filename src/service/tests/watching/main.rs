//! What operators look at, against a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod device;
mod live;
mod scene;
