//! Applications: what is kept of them, their releases, categories and policies.

pub mod categories;
mod distribution;
mod kept;
pub(crate) mod locking;
mod on_device;
pub mod policies;
mod reading;
mod removing;
mod standing;
pub mod uploads;
mod writing;

pub use distribution::{Distributed, DistributedUser, DistributionFilter, distribution};
pub use kept::{KEPT_MAX, Kept, lock_package, of_package};
pub use locking::{Application, lock};
pub use on_device::{DeviceApp, ManagedApp, is_device_in_scope, on_device};
pub use reading::{ApplicationFilter, ApplicationRecord, get, page};
pub use removing::{begin_removal, forget_holders, has_holders, make_gone, removing};
pub use standing::StandingCase;
pub use writing::{
    ApplicationChange, NewApplication, NewRelease, change, insert, insert_release, link_categories, set_release,
};
