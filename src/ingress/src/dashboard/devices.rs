//! Devices: found by what they are called, and everything about one, first of all why it is not updated.

mod device;
mod list;
mod reasons;
mod texts;

pub(super) use device::show;
pub(super) use list::list;
pub use reasons::explain_reason;
