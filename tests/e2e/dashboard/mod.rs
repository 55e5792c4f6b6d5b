//! The dashboard in a real browser, against real processes.

mod browser;
mod world;

mod shell;
