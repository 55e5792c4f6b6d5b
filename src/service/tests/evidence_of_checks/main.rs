//! What devices say in their checks for updates is evidence: of their commands, and of what is on them.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod clients;
mod partial;
mod pushes;
#[path = "../applications/scene.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod scene;
mod together;
#[path = "../distribution/scene.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod upgrades;
