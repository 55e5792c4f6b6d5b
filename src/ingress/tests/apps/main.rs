//! The application management API against a real database: what it keeps, for whom, and what it refuses.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

#[path = "../../../packages/tests/packages/build/mod.rs"]
#[allow(dead_code)] // it can build more than these tests need
mod build;
mod categories;
mod codes;
mod library;
mod packages;
mod policies;
mod samples;
mod scopes;
mod shapes;
mod uploads;
#[path = "../mdm/world.rs"]
mod world;
