//! Client programs: groups, versions, and who is offered which.

pub mod device_apps;
pub mod downloads;
pub mod groups;
pub mod logs;
pub mod offers;
pub mod publications;
mod rows;
pub mod targets;
pub mod versions;

pub use rows::{ClientGroup, ClientVersion};

/// In which order a list is read. What is equal goes by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<Key> {
    /// By what.
    pub key: Key,
    /// The last first.
    pub descending: bool,
}
