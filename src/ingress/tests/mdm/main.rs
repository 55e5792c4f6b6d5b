//! The MDM API against a real database: every call of the document, its rules, who may make it, and its errors.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod calls;
mod catalogue;
mod device_client;
mod document;
mod download_page;
mod files;
mod groups;
mod samples;
mod stored;
mod tokens;
mod versions;
mod world;
