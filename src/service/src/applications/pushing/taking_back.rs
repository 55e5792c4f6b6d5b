//! What was pushed is taken back: from users and groups, or from everybody because the application goes.

use drover_domain::{ApplicationId, AssignmentId, JobEvent, JobId, PushAction};
use drover_messages::TraceContext;
use drover_store::{
    StoreError, Tx,
    applications::{self as rows, Application},
    audiences::PushAudience,
    jobs,
    pushing::{
        assignments::{self, Subject, Targets},
        pushes,
    },
};

use super::{NewPush, application::pushable, targets};
use crate::{Operator, Service, ServiceError, applications::library::changeable};

/// Applications looked at in one step.
const BATCH: i64 = 100;
/// Devices forgotten in one transaction.
const FORGET_BATCH: i64 = 1000;

impl Service {
    /// Takes users and groups out of what an application was pushed to, and removes it from their devices. The call does not
    /// wait for them. Who was never given it is no error.
    pub async fn take_application_back(
        &self,
        operator: &Operator,
        id: ApplicationId,
        from: &Targets,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let take_back = || self.take_application_back_once(operator, id, from, trace);
        self.store().retrying("take_application_back", take_back).await
    }

    async fn take_application_back_once(
        &self,
        operator: &Operator,
        id: ApplicationId,
        from: &Targets,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let application = pushable(&tx, operator, id).await?;
        targets::check(&tx, operator, from).await?;
        let ended: Vec<AssignmentId> =
            assignments::take_away(&tx, Subject::Application(id), from, &operator.scope()).await?;
        let stopped = pushes::lock_open_of(&tx, &ended).await?;
        self.stop_pushes(&tx, &stopped).await?;
        let audience = PushAudience::Users(from.clone());
        let job = self.start_push(&tx, uninstall(operator, &application, audience, trace)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(%job, application = %id, by = operator.login_id, ended = ended.len(), trace_id = trace.trace_id(), "application taken back");
        Ok(())
    }

    /// Removes an application: from every device it was pushed to, and then altogether. The call does not wait for the
    /// devices; until they were told, the application is there and can be neither pushed nor changed.
    pub async fn remove_application(
        &self,
        operator: &Operator,
        id: ApplicationId,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        self.store().retrying("remove_application", || self.remove_application_once(operator, id, trace)).await
    }

    async fn remove_application_once(
        &self,
        operator: &Operator,
        id: ApplicationId,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let application = changeable(&tx, operator, id).await?;
        let subject = Subject::Application(id);
        assignments::end_all(&tx, subject).await?;
        // From here on no planner adds to those who have it.
        let stopped = pushes::lock_open_bringing(&tx, subject).await?;
        self.stop_pushes(&tx, &stopped).await?;
        rows::begin_removal(&tx, id).await?;
        let has_holders = rows::has_holders(&tx, id).await?;
        if has_holders {
            self.start_push(&tx, uninstall(operator, &application, PushAudience::Holders, trace)).await?;
        } else if !pushes::is_any_open(&tx, subject).await? {
            rows::make_gone(&tx, id).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(application = %id, by = operator.login_id, has_holders, trace_id = trace.trace_id(), "application is removed");
        Ok(())
    }

    /// Lets applications go whose devices were told to remove them, or cannot be told any more. Returns how many.
    pub async fn finish_removals(&self) -> Result<usize, ServiceError> {
        let (mut gone, mut after) = (0, ApplicationId(0));
        loop {
            let found = rows::removing(&self.store().client().await?, after, BATCH).await?;
            let Some(last) = found.last() else { return Ok(gone) };
            after = *last;
            for id in found {
                gone += usize::from(self.finish_removal(id).await?);
            }
        }
    }

    async fn finish_removal(&self, id: ApplicationId) -> Result<bool, ServiceError> {
        if pushes::is_any_open(&self.store().client().await?, Subject::Application(id)).await? {
            return Ok(false);
        }
        while self.store().retrying("forget_holders", || self.forget_holders(id)).await? {}
        let is_gone = self.store().retrying("make_application_gone", || self.make_application_gone(id)).await?;
        if is_gone {
            tracing::info!(application = %id, "application is gone");
        }
        Ok(is_gone)
    }

    /// Returns whether there may be more.
    async fn forget_holders(&self, id: ApplicationId) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let forgotten = rows::forget_holders(&tx, id, FORGET_BATCH).await?;
        tx.commit().await?;
        Ok(forgotten >= FORGET_BATCH.unsigned_abs())
    }

    async fn make_application_gone(&self, id: ApplicationId) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let is_gone = rows::make_gone(&tx, id).await?;
        tx.commit().await?;
        Ok(is_gone)
    }

    /// Stops pushes that the caller has locked: what no device has is withdrawn by their planners, what is under way is ended
    /// by what takes its place.
    pub(crate) async fn stop_pushes(&self, tx: &Tx<'_>, ids: &[JobId]) -> Result<(), StoreError> {
        for id in ids {
            jobs::apply(tx, *id, JobEvent::Cancel, None).await?;
        }
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        for job in jobs::rules(tx, &ids).await? {
            self.call_planner_for(tx, &job).await?;
        }
        Ok(())
    }
}

fn uninstall<'a>(
    operator: &'a Operator,
    application: &'a Application,
    audience: PushAudience,
    trace: TraceContext,
) -> NewPush<'a> {
    NewPush {
        tenant: operator.tenant,
        action: PushAction::Uninstall,
        subject: Subject::Application(application.id),
        assignment: None,
        audience,
        start_at: None,
        operator: Some(operator.id),
        organisation: operator.organisation.id,
        created_by: &operator.login_id,
        name: &application.name,
        trace,
    }
}
