//! What devices are told when they ask the TOP gateway: checks for updates against a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod applications;
mod batches;
mod fresh;
mod programs;
#[path = "../applications/scene.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod scene;
mod town;
