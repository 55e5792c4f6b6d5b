//! What operators look at all the time: a few statements that read a bounded number of rows, whatever there is.

pub mod commands;
pub mod device;
pub mod job;
pub mod jobs;
pub mod live;
