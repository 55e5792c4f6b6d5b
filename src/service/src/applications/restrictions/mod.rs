//! Black and white lists: made, changed, pushed, disabled and removed.

mod editing;
mod pushing;
mod removing;
mod status;

use drover_domain::{Platform, RestrictionId, RestrictionType};
pub use drover_store::restrictions::{ListedApp, RestrictionFilter, RestrictionRecord};
use drover_store::{Tx, restrictions, restrictions::Restriction};

use super::ApplicationRefusal as Refusal;
use crate::{Operator, Service, ServiceError, Window, Windowed};

pub use pushing::RestrictionPush;

/// The most applications on one list.
const LISTED_MAX: usize = 500;

/// A list to be made. It belongs to the operator's organisation.
#[derive(Debug, Clone)]
pub struct NewRestriction {
    /// What it is for.
    pub kind: RestrictionType,
    /// Which devices it is for.
    pub platform: Platform,
    /// Its name, one of the tenant's.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether devices are to keep to it.
    pub is_enabled: bool,
    /// What is on it, each package once.
    pub listed: Vec<ListedApp>,
}

/// What of a list is to be different.
#[derive(Debug, Clone, Default)]
pub struct RestrictionChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is on it, each package once.
    pub listed: Option<Vec<ListedApp>>,
}

impl Service {
    /// Lists that the operator sees, the newest first.
    pub async fn restrictions(
        &self,
        operator: &Operator,
        filter: &RestrictionFilter,
        window: Window,
    ) -> Result<Windowed<RestrictionRecord>, ServiceError> {
        let client = self.store().client().await?;
        Ok(restrictions::page(&client, operator.tenant, &operator.organisation.path, filter, window).await?)
    }
}

/// The refusal of a list that is not there.
fn unknown(id: RestrictionId) -> Refusal {
    Refusal::NoSuchPolicy { what: "list", id: id.to_string() }
}

/// The refusal of a list that is disabled, as one that is being removed is too.
fn disabled(id: RestrictionId) -> Refusal {
    Refusal::PolicyDisabled { what: "list", id: id.to_string() }
}

/// A list that the operator sees, locked.
async fn lock_seen(tx: &Tx<'_>, operator: &Operator, id: RestrictionId) -> Result<Restriction, ServiceError> {
    let found = restrictions::lock(tx, operator.tenant, id).await?;
    let found = found.filter(|restriction| operator.sees(&restriction.owner));
    Ok(found.ok_or_else(|| unknown(id))?)
}

/// A list that the operator administers, locked.
async fn lock_own(tx: &Tx<'_>, operator: &Operator, id: RestrictionId) -> Result<Restriction, ServiceError> {
    let restriction = lock_seen(tx, operator, id).await?;
    operator.require_reach(&restriction.owner)?;
    Ok(restriction)
}
