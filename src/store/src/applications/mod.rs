//! Applications: what is kept of them, their releases, categories and policies.

pub mod categories;
mod kept;
mod locking;
pub mod policies;
mod reading;
pub mod uploads;
mod writing;

pub use kept::{KEPT_MAX, Kept, lock_package, of_package};
pub use locking::{Application, lock};
pub use reading::{ApplicationFilter, ApplicationRecord, get, page};
pub use writing::{
    ApplicationChange, NewApplication, NewRelease, change, insert, insert_release, link_categories, set_release,
};
