//! What operators look at all the time.

pub(crate) mod commands;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod sampling;
pub(crate) mod live;
