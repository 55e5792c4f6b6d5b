//! What logins of every kind share: how often they may fail, what they may cost, and how long what the database said of
//! somebody is believed.

mod limits;
mod memory;

pub(crate) use limits::{Budget, Failures};
pub(crate) use memory::{Memory, TooManyStrangers};
