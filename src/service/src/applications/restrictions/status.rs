//! Lists are disabled and enabled again.

use drover_domain::RestrictionId;
use drover_messages::TraceContext;
use drover_store::{StoreError, restrictions};

use super::{disabled, lock_own};
use crate::{ApplicationRefusal, Operator, Service, ServiceError};

impl Service {
    /// Enables or disables a list. Who has one that is disabled is told to drop it; to whom it was pushed stays known, and they
    /// are given it again when it is enabled.
    pub async fn set_restriction_enabled(
        &self,
        operator: &Operator,
        id: RestrictionId,
        is_enabled: bool,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let set = || self.set_enabled_once(operator, id, is_enabled, trace);
        self.store().retrying("set_restriction_enabled", set).await
    }

    async fn set_enabled_once(
        &self,
        operator: &Operator,
        id: RestrictionId,
        is_enabled: bool,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let restriction = lock_own(&tx, operator, id).await?;
        if restriction.is_enabled == is_enabled {
            return Err(ApplicationRefusal::SameStatus.into());
        }
        if restriction.is_removing {
            return Err(disabled(id).into());
        }
        restrictions::set_enabled(&tx, id, is_enabled).await?;
        let pushes = if is_enabled {
            self.apply_to_all(&tx, operator, &restriction, trace).await?
        } else {
            self.take_back(&tx, operator, &restriction, trace).await?
        };
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(restriction = %id, is_enabled, by = operator.login_id, pushes, trace_id = trace.trace_id(), "list enabled or disabled");
        Ok(())
    }
}
