//! Standing wishes: users' devices are to have an application, or to keep to a black or white list.

pub mod targets;

pub use targets::Targets;
