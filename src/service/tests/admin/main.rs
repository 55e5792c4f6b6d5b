//! Users, groups, labels and devices: who may see and change which, and how they come from files.
#![allow(clippy::unwrap_used)]

mod devices;
mod imports;
mod removals;
mod sets;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod users;
