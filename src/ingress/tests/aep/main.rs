//! The AEP API against a real database: every call of the document, its rules, and its errors.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod devices;
mod files;
mod firmware;
mod refusals;
mod tasks;
mod world;
