//! Publications and distributions against a real Postgres: who is given a version, and how it is taken back.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod logs;
mod planning;
mod proof;
mod refusals;
mod scene;
mod withdrawing;
