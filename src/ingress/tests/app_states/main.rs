//! What devices have of applications, over HTTP: what they say, and what operators are shown (B9, B10).
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod device_apps;
mod distribution;
mod inventory;
mod scene;
#[path = "../mdm/world.rs"]
mod world;
