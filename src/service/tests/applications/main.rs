//! Pushes of applications against a real Postgres: who is given what, what takes whose place, and how all of it goes again.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod options;
mod planning;
mod pushing;
mod removal;
mod scene;
mod taking_back;
