//! What the tests of all crates share: private servers that leave nothing behind, and waiting without sleeping.
//!
//! A test kit reports by panicking: a test that cannot get its server has failed.
#![allow(clippy::missing_panics_doc)]

mod port;
mod postgres;
mod proxy;
mod rabbit;
mod supervised;
mod wait;

pub use port::free_port;
pub use postgres::{TestDatabase, TestPostgres};
pub use proxy::{Line, Proxy};
pub use rabbit::RabbitNode;
pub use supervised::{SupervisedChild, Watchdog};
pub use wait::{wait_for, wait_until};
