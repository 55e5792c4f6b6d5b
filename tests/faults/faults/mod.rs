//! The faults themselves: each waits for the middle of the work, breaks something, and mends it.

pub(crate) mod clock;
pub(crate) mod disk;
pub(crate) mod kill;
pub(crate) mod lines;
pub(crate) mod messages;
pub(crate) mod pressure;
pub(crate) mod reports;
pub(crate) mod rollout;
