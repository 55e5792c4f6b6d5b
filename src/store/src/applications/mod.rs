//! Applications: what is kept of them, their releases, categories and policies.

mod locking;

pub use locking::{Application, lock};
