//! Applications: packages are uploaded and kept, put into categories and given policies.

mod assigning;
pub(crate) mod carried_out;
mod categories;
mod entries;
mod library;
pub(crate) mod orders;
mod parsing;
mod placing;
mod policies;
pub(crate) mod pushes;
mod pushing;
mod refusal;
mod restrictions;
mod reviews;
mod saving;
mod standing;
mod store_link;
mod store_links;
pub(crate) mod targets;
mod unpushing;
mod upload;
mod values;

use std::time::Duration;

use crate::{Service, ServiceError};

pub use categories::NewCategory;
pub use entries::{InvalidManifestEntry, ManifestEntry};
pub use parsing::SpooledPackage;
pub(crate) use parsing::Turns;
pub use policies::NewPolicyValues;
pub use pushing::PushRequest;
pub use refusal::ApplicationRefusal;
pub use restrictions::{
    ListedApp, NewRestriction, RestrictionChange, RestrictionFilter, RestrictionPush, RestrictionRecord,
};
pub use saving::{Decision, Saved};
pub use upload::{NewPackage, Undecided, Uploaded};

/// How long an uploaded package waits for somebody to say what becomes of it.
const DECISION_LIMIT: Duration = Duration::from_hours(24);

impl Service {
    /// Forgets some uploaded packages that nobody said anything of. Returns whether there may be more.
    pub async fn forget_undecided_uploads(&self) -> Result<bool, ServiceError> {
        let client = self.store().client().await?;
        Ok(drover_store::applications::uploads::forget_old(&client, DECISION_LIMIT).await?)
    }
}
pub use standing::DistributionSearch;
