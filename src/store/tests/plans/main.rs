//! Statements on large tables keep to the indexes, whatever Postgres knows of the tables: it was told when they were empty, when
//! they were full, or never.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

mod applications;
mod audit;
mod catalogue;
mod checks;
mod commands;
mod control;
mod credentials;
mod dead_letters;
mod device;
mod distributions;
mod files;
mod people;
mod pushes;
mod reviews;
mod watched_jobs;
mod watching;
mod world;
