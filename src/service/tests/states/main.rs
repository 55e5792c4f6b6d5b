//! What devices have of applications: as they say, as it is shown, and as it is kept right.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod inventory;
mod scene;
