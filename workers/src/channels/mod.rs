//! The ways to devices.

mod topic;

pub(crate) use topic::{Addressed, TopicChannel};
