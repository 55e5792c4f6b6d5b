//! Applications are pushed, taken back and removed over HTTP (B5, B7, B8): the document's samples, and every code.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod codes;
mod samples;
mod scene;
#[path = "../mdm/world.rs"]
mod world;
