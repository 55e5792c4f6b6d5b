//! Devices are kept right whoever joins, leaves, moves or removes something: reviews against a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod essential;
mod joining;
mod leaving;
mod lists;
mod many;
mod random;
#[path = "../applications/scene.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod scene;
mod staged;
