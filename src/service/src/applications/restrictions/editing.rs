//! Lists are made and changed.

use drover_domain::RestrictionId;
use drover_messages::TraceContext;
use drover_store::{StoreError, restrictions};

use super::{LISTED_MAX, ListedApp, NewRestriction, RestrictionChange, disabled, lock_own};
use crate::{
    ApplicationRefusal, Operator, Service, ServiceError,
    clients::{check_long, check_name},
};

impl Service {
    /// Makes a list. Nobody has it before it is pushed.
    pub async fn create_restriction(
        &self,
        operator: &Operator,
        new: &NewRestriction,
    ) -> Result<RestrictionId, ServiceError> {
        operator.require_write()?;
        check(Some(&new.name), Some(&new.description), Some(&new.listed))?;
        let row = restrictions::NewRestriction {
            tenant: operator.tenant,
            organisation: operator.organisation.id,
            kind: new.kind,
            platform: new.platform,
            name: &new.name,
            description: &new.description,
            is_enabled: new.is_enabled,
            created_by: &operator.login_id,
            listed: &new.listed,
        };
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let id = restrictions::insert(&tx, &row).await.map_err(|error| taken(error, &new.name))?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(restriction = %id, by = operator.login_id, "list made");
        Ok(id)
    }

    /// Changes what is given of a list. Who has it is given the new one, when what is on it is different then.
    pub async fn change_restriction(
        &self,
        operator: &Operator,
        id: RestrictionId,
        change: &RestrictionChange,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        check(change.name.as_deref(), change.description.as_deref(), change.listed.as_deref())?;
        self.store().retrying("change_restriction", || self.change_once(operator, id, change, trace)).await
    }

    async fn change_once(
        &self,
        operator: &Operator,
        id: RestrictionId,
        change: &RestrictionChange,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let RestrictionChange { name, description, listed } = change;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let restriction = lock_own(&tx, operator, id).await?;
        if restriction.is_removing {
            return Err(disabled(id).into());
        }
        let name = name.as_deref();
        let changed = restrictions::change(&tx, id, name, description.as_deref()).await;
        changed.map_err(|error| taken(error, name.unwrap_or_default()))?;
        let mut pushes = 0;
        if let Some(listed) = listed
            && restrictions::listed(&tx, id).await? != *listed
        {
            restrictions::replace_listed(&tx, id, listed).await?;
            if restriction.is_enabled {
                pushes = self.apply_to_all(&tx, operator, &restriction, trace).await?;
            }
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(restriction = %id, by = operator.login_id, pushes, trace_id = trace.trace_id(), "list changed");
        Ok(())
    }
}

fn check(name: Option<&str>, description: Option<&str>, listed: Option<&[ListedApp]>) -> Result<(), ServiceError> {
    name.map_or(Ok(()), |name| check_name("name", name))?;
    description.map_or(Ok(()), |description| check_long("description", description))?;
    match listed {
        Some(listed) if !(1..=LISTED_MAX).contains(&listed.len()) => {
            Err(ServiceError::invalid("apps", format!("names 1 to {LISTED_MAX} applications")))
        }
        _ => Ok(()),
    }
}

fn taken(error: StoreError, name: &str) -> ServiceError {
    if error.unique_violation() == Some(restrictions::NAME_TAKEN) {
        ApplicationRefusal::RestrictionNameTaken(name.to_owned()).into()
    } else {
        error.into()
    }
}
