//! Applications and lists are brought to users' devices, and taken back from them.

mod application;
pub(super) mod assigning;
pub(crate) mod carried_out;
pub(crate) mod orders;
mod start;
mod taking_back;
pub(super) mod targets;

use super::ApplicationRefusal;

pub use application::PushRequest;
pub(super) use start::NewPush;
