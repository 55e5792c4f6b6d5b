//! The AEP API against a real database: every call of the document, its rules, and its errors.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod bodies;
mod devices;
mod document;
mod files;
mod firmware;
mod refusals;
mod replays;
mod tasks;
mod world;
