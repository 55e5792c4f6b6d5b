//! The TOP gateway against a real database: every check in its place, every form of call and answer, and the document's samples.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod anything;
mod formats;
mod limits;
mod order;
mod published;
mod replays;
mod samples;
mod world;
mod xml;
