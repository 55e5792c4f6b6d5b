//! Lists are removed: the call tells the devices and does not wait for them, the timekeeper does.

use drover_domain::RestrictionId;
use drover_messages::TraceContext;
use drover_store::{
    StoreError,
    pushing::{
        assignments::{self, Subject},
        pushes,
    },
    restrictions,
};

use super::lock_own;
use crate::{Operator, Service, ServiceError};

/// Devices of one list that are forgotten in one step.
const HOLDERS_PER_STEP: i64 = 5000;

impl Service {
    /// Removes a list: from the devices that were given it first, and for good when they were told. One that was never pushed is
    /// gone at once. To do so again is no error.
    pub async fn delete_restriction(
        &self,
        operator: &Operator,
        id: RestrictionId,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        self.store().retrying("delete_restriction", || self.delete_once(operator, id, trace)).await
    }

    async fn delete_once(
        &self,
        operator: &Operator,
        id: RestrictionId,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let restriction = lock_own(&tx, operator, id).await?;
        if restriction.is_removing {
            return Ok(());
        }
        let pushes = if restrictions::has_been_pushed(&tx, id).await? {
            restrictions::mark_removing(&tx, id).await?;
            assignments::end_all(&tx, Subject::Restriction(id)).await?;
            self.take_back(&tx, operator, &restriction, trace).await?
        } else {
            restrictions::mark_deleted(&tx, id).await?;
            0
        };
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(restriction = %id, by = operator.login_id, pushes, trace_id = trace.trace_id(), "list to be removed");
        Ok(())
    }

    /// Removes for good the lists whose devices were told to drop them: some of a list's devices a step, so that no transaction
    /// is long.
    pub async fn finish_restriction_removals(&self) -> Result<(), ServiceError> {
        let mut after = RestrictionId(0);
        loop {
            let step = || self.finish_next_removal(after);
            let Some((id, is_done)) = self.store().retrying("finish_restriction_removals", step).await? else {
                return Ok(());
            };
            if is_done {
                after = id;
            }
        }
    }

    /// Looks at the next list that goes. Returns which one it was, and whether there is nothing more to do for it now.
    async fn finish_next_removal(&self, after: RestrictionId) -> Result<Option<(RestrictionId, bool)>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some(id) = restrictions::next_removing(&tx, after).await? else { return Ok(None) };
        if pushes::is_any_open(&tx, Subject::Restriction(id)).await? {
            return Ok(Some((id, true)));
        }
        let is_done = !restrictions::forget_holders(&tx, id, HOLDERS_PER_STEP).await?;
        if is_done {
            restrictions::mark_deleted(&tx, id).await?;
        }
        tx.commit().await?;
        if is_done {
            tracing::info!(restriction = %id, "list removed");
        }
        Ok(Some((id, is_done)))
    }
}
