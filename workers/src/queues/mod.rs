//! The queues, as operators see them: how they stand, what is dead in them, and from which of them to take nothing.

mod collector;
pub(crate) mod measures;
mod standing;
mod watcher;

pub(crate) use standing::Standing;
pub(crate) use watcher::Watcher;
