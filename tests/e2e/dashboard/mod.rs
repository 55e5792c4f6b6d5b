//! The dashboard in a real browser, against real processes.

mod browser;
mod fleet;
mod world;

mod campaign;
mod dead_letters;
mod limits;
mod looks;
mod shell;
