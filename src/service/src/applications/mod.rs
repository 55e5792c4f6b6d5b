//! Applications: packages are uploaded and kept (`library`), pushed to users' devices and taken back (`pushing`), and kept right on
//! devices that come and go (`reviews`); black and white lists with them (`restrictions`).

mod library;
pub(crate) mod pushing;
mod refusal;
mod restrictions;
mod reviews;
mod standing;

pub(crate) use library::Turns;
pub use library::{
    Decision, InvalidManifestEntry, ManifestEntry, NewCategory, NewPackage, NewPolicyValues, Saved, SpooledPackage,
    Undecided, Uploaded,
};
pub use pushing::PushRequest;
pub use refusal::ApplicationRefusal;
pub use restrictions::{
    ListedApp, NewRestriction, RestrictionChange, RestrictionFilter, RestrictionPush, RestrictionRecord,
};
pub use standing::DistributionSearch;
