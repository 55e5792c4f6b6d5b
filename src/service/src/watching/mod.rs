//! What operators look at all the time.

pub(crate) mod commands;
pub(crate) mod device;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod live;
pub(crate) mod sampling;
