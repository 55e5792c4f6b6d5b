//! Lists are brought to devices, and taken back from them.

use drover_domain::{AssignmentId, JobId, OrganisationId, PushAction, Relationship, RestrictionId};
use drover_messages::TraceContext;
use drover_store::{
    StoreError, Tx,
    audiences::PushAudience,
    pushing::{
        assignments::{self, NewAssignment, Subject, Targets, Wish},
        pushes,
    },
    restrictions,
    restrictions::Restriction,
};

use super::{disabled, lock_seen};
use crate::{
    Operator, Service, ServiceError,
    applications::pushing::{
        NewPush,
        assigning::{self, ASSIGNMENTS_MAX},
        targets,
    },
};

/// To whom a list is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictionPush {
    /// Whom it names.
    pub targets: Targets,
    /// Whose devices it is for, at least one.
    pub relationships: Vec<Relationship>,
}

impl Service {
    /// Pushes a list: who is named keeps to it from now on, and who joins later as well. The call takes as long for one device
    /// as for a million: who gets it is planned afterwards.
    pub async fn push_restriction(
        &self,
        operator: &Operator,
        id: RestrictionId,
        push: &RestrictionPush,
        trace: TraceContext,
    ) -> Result<JobId, ServiceError> {
        operator.require_write()?;
        self.store().retrying("push_restriction", || self.push_once(operator, id, push, trace)).await
    }

    async fn push_once(
        &self,
        operator: &Operator,
        id: RestrictionId,
        push: &RestrictionPush,
        trace: TraceContext,
    ) -> Result<JobId, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let restriction = lock_seen(&tx, operator, id).await?;
        if !restriction.is_enabled {
            return Err(disabled(id).into());
        }
        targets::check(&tx, operator, &push.targets).await?;
        let assignment = assign(&tx, operator, id, push).await?;
        let to = (assignment, operator.organisation.id, push.targets.clone());
        let job = self.apply(&tx, operator, &restriction, to, trace).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(restriction = %id, %job, by = operator.login_id, trace_id = trace.trace_id(), "list pushed");
        Ok(job)
    }

    /// Pushes a list as it is now to everybody whom an assignment names. Returns how many pushes that are.
    pub(super) async fn apply_to_all(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        restriction: &Restriction,
        trace: TraceContext,
    ) -> Result<usize, ServiceError> {
        let subject = Subject::Restriction(restriction.id);
        let live = assignments::live(tx, subject, AssignmentId(0), ASSIGNMENTS_MAX).await?;
        for assignment in &live {
            let targets = assignments::targets(tx, assignment.id).await?;
            let to = (assignment.id, assignment.organisation, targets);
            self.apply(tx, operator, restriction, to, trace).await?;
        }
        Ok(live.len())
    }

    /// Pushes a list to those whom one of its assignments names.
    async fn apply(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        restriction: &Restriction,
        (assignment, organisation, targets): (AssignmentId, OrganisationId, Targets),
        trace: TraceContext,
    ) -> Result<JobId, StoreError> {
        let push = NewPush {
            tenant: operator.tenant,
            action: PushAction::Apply,
            subject: Subject::Restriction(restriction.id),
            assignment: Some(assignment),
            audience: PushAudience::Users(targets),
            start_at: None,
            operator: Some(operator.id),
            organisation,
            created_by: &operator.login_id,
            name: &restriction.name,
            trace,
        };
        self.start_push(tx, push).await
    }

    /// Has every device that was given a list drop it. Pushes that still bring it are stopped first: none is planned after the
    /// removal has looked who has it. Returns how many pushes that are: one, or none when it was never pushed.
    pub(super) async fn take_back(
        &self,
        tx: &Tx<'_>,
        operator: &Operator,
        restriction: &Restriction,
        trace: TraceContext,
    ) -> Result<usize, ServiceError> {
        if !restrictions::has_been_pushed(tx, restriction.id).await? {
            return Ok(0);
        }
        let subject = Subject::Restriction(restriction.id);
        let stopped = pushes::lock_open_bringing(tx, subject).await?;
        self.stop_pushes(tx, &stopped).await?;
        let push = NewPush {
            tenant: operator.tenant,
            action: PushAction::Remove,
            subject,
            assignment: None,
            audience: PushAudience::Holders,
            start_at: None,
            operator: Some(operator.id),
            organisation: operator.organisation.id,
            created_by: &operator.login_id,
            name: &restriction.name,
            trace,
        };
        self.start_push(tx, push).await?;
        Ok(1)
    }
}

/// Notes who keeps to a list from now on, in place of older assignments that this one covers.
async fn assign(
    tx: &Tx<'_>,
    operator: &Operator,
    id: RestrictionId,
    push: &RestrictionPush,
) -> Result<AssignmentId, ServiceError> {
    let wish = Wish {
        is_required: true,
        is_notified: false,
        relationships: push.relationships.clone(),
        is_essential: false,
        removes_on_exit: true,
        into_knox: false,
        wifi_only: false,
        prevents_backup: false,
        policy: None,
        start_at: None,
    };
    let subject = Subject::Restriction(id);
    let new = NewAssignment {
        tenant: operator.tenant,
        subject,
        organisation: operator.organisation.id,
        operator: operator.id,
        created_by: &operator.login_id,
        wish: &wish,
        targets: &push.targets,
    };
    assigning::assign(tx, &new).await
}
