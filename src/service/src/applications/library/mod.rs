//! Applications are kept: uploaded, judged, saved or put aside, changed, put into categories and given policies.

mod categories;
mod changing;
mod entries;
mod judging;
mod parsing;
mod placing;
mod policies;
mod saving;
mod store_link;
mod store_links;
mod upload;
mod values;

use std::time::Duration;

use super::ApplicationRefusal;
use crate::{Service, ServiceError};

pub use categories::NewCategory;
pub(super) use changing::changeable;
pub use entries::{InvalidManifestEntry, ManifestEntry};
pub use parsing::SpooledPackage;
pub(crate) use parsing::Turns;
pub use policies::NewPolicyValues;
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
