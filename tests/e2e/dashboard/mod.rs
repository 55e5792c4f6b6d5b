//! The dashboard in a real browser, against real processes.

mod browser;
mod fleet;
mod world;

mod campaign;
mod limits;
mod shell;
