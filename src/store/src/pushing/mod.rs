//! What is pushed to whom: assignments as standing wishes, the jobs that carry them out, what devices have of it, and the devices
//! for which that may have changed.

pub mod assignments;
pub mod installs;
pub mod pushes;
pub mod reviews;
