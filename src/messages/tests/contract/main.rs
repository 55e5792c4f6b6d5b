//! What travels is what `schemas/messages` says: types, schemas and examples agree.
#![allow(clippy::unwrap_used)]

mod agreement;
mod changes;
mod documents;
mod examples;
mod newer;
mod support;
mod values;
