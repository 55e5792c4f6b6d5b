//! Whole jobs are held, go on, are stopped and tried again, against a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod checks;
mod families;
mod fleet;
mod holding;
mod newer;
mod random;
mod rights;
#[path = "../applications/scene.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod scene;
#[path = "../catalogue/town.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod town;
mod trying_again;
