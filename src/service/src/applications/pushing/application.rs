//! An application is pushed: users' devices are to have it from now on, and those that join them later too.

use drover_domain::{ApplicationId, AssignmentId, DomainType, Platform, PolicyId, PushAction};
use drover_messages::TraceContext;
use drover_store::{
    StoreError, Tx,
    applications::{self as rows, Application, policies},
    audiences::PushAudience,
    pushing::{
        assignments::{self, NewAssignment, Subject, Targets, Wish},
        pushes,
    },
};

use super::{
    ApplicationRefusal as R, NewPush,
    assigning::{self, ASSIGNMENTS_MAX},
    targets,
};
use crate::{Operator, Service, ServiceError};

/// A push as somebody asks for it.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// Whom it names.
    pub targets: Targets,
    /// How it is carried out. What has no meaning for the platform or the mode is left out.
    pub wish: Wish,
}

impl Service {
    /// Pushes an application. The call takes as long for one device as for a million: who gets it is planned afterwards.
    pub async fn push_application(
        &self,
        operator: &Operator,
        id: ApplicationId,
        request: &PushRequest,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let push = || self.push_application_once(operator, id, request, trace);
        self.store().retrying("push_application", push).await
    }

    async fn push_application_once(
        &self,
        operator: &Operator,
        id: ApplicationId,
        request: &PushRequest,
        trace: TraceContext,
    ) -> Result<(), ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let application = pushable(&tx, operator, id).await?;
        targets::check(&tx, operator, &request.targets).await?;
        let wish = effective(&request.wish, application.platform);
        if wish.start_at.is_some_and(|start_at| start_at <= self.inner.clock.now()) {
            return Err(R::StartInThePast.into());
        }
        check_policy(&tx, operator, &application, wish.policy).await?;
        let subject = Subject::Application(id);
        let new = NewAssignment {
            tenant: operator.tenant,
            subject,
            organisation: operator.organisation.id,
            operator: operator.id,
            created_by: &operator.login_id,
            wish: &wish,
            targets: &request.targets,
        };
        let assignment = assigning::assign(&tx, &new).await?;
        let push = NewPush {
            tenant: operator.tenant,
            action: PushAction::Install,
            subject,
            assignment: Some(assignment),
            audience: PushAudience::Users(request.targets.clone()),
            start_at: wish.start_at,
            operator: Some(operator.id),
            organisation: operator.organisation.id,
            created_by: &operator.login_id,
            name: &application.name,
            trace,
        };
        let job = self.start_push(&tx, push).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(%job, application = %id, %assignment, by = operator.login_id, trace_id = trace.trace_id(), "application pushed");
        Ok(())
    }

    /// Pushes what an application gives devices now to all that it was pushed to: it was replaced. Pushes of what it gave before
    /// that have yet to begin never do. The caller has the application locked. Returns how many pushes that are.
    pub(crate) async fn renew_assignments(
        &self,
        tx: &Tx<'_>,
        application: &Application,
        trace: TraceContext,
    ) -> Result<usize, StoreError> {
        let subject = Subject::Application(application.id);
        let live = assignments::live(tx, subject, AssignmentId(0), ASSIGNMENTS_MAX).await?;
        let ids: Vec<AssignmentId> = live.iter().map(|assignment| assignment.id).collect();
        // They would begin with the release that was replaced.
        let to_come = pushes::lock_scheduled_of(tx, &ids).await?;
        self.stop_pushes(tx, &to_come).await?;
        for assignment in &live {
            let push = NewPush {
                tenant: assignment.tenant,
                action: PushAction::Install,
                subject,
                assignment: Some(assignment.id),
                audience: PushAudience::Users(assignments::targets(tx, assignment.id).await?),
                // What is to begin later brings the new release then.
                start_at: assignment.wish.start_at.filter(|start_at| *start_at > self.inner.clock.now()),
                operator: Some(assignment.operator),
                organisation: assignment.organisation,
                created_by: &assignment.created_by,
                name: &application.name,
                trace,
            };
            self.start_push(tx, push).await?;
        }
        Ok(live.len())
    }
}

/// An application that the operator may push, locked against every change of it until the transaction ends.
pub(super) async fn pushable(tx: &Tx<'_>, operator: &Operator, id: ApplicationId) -> Result<Application, ServiceError> {
    let found = rows::lock(tx, operator.tenant, id).await?.filter(|application| operator.sees(&application.owner));
    let application = found.ok_or_else(|| R::NoSuchApplication(id.to_string()))?;
    if application.is_removing {
        return Err(R::BeingRemoved(id.to_string()).into());
    }
    Ok(application)
}

/// What of a wish has a meaning.
fn effective(wish: &Wish, platform: Platform) -> Wish {
    let is_android = platform == Platform::Android;
    Wish {
        is_essential: wish.is_essential && wish.is_required,
        start_at: wish.start_at.filter(|_| wish.is_required),
        into_knox: wish.into_knox && is_android,
        wifi_only: wish.wifi_only && is_android,
        prevents_backup: wish.prevents_backup && !is_android,
        ..wish.clone()
    }
}

async fn check_policy(
    tx: &Tx<'_>,
    operator: &Operator,
    application: &Application,
    policy: Option<PolicyId>,
) -> Result<(), ServiceError> {
    let Some(id) = policy else {
        let needs_one = application.domain_type == DomainType::BuiltIn;
        return if needs_one { Err(R::PolicyMissing.into()) } else { Ok(()) };
    };
    let found = policies::get(tx, &operator.scope(), id).await?;
    let policy = found.ok_or_else(|| R::NoSuchPolicy { what: "policy", id: id.to_string() })?;
    if policy.domain_type != application.domain_type {
        return Err(R::PolicyOfOtherKind(id.to_string()).into());
    }
    if !policy.is_enabled {
        return Err(R::PolicyDisabled { what: "policy", id: id.to_string() }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use drover_domain::Relationship;

    use super::*;

    #[test]
    fn what_means_nothing_on_a_platform_or_in_a_mode_is_left_out() {
        let all = Wish {
            is_required: true,
            is_notified: true,
            relationships: vec![Relationship::Company],
            is_essential: true,
            removes_on_exit: true,
            into_knox: true,
            wifi_only: true,
            prevents_backup: true,
            policy: None,
            start_at: Some(chrono::DateTime::UNIX_EPOCH),
        };
        let android = Wish { prevents_backup: false, ..all.clone() };
        assert_eq!(effective(&all, Platform::Android), android);
        let ios = Wish { into_knox: false, wifi_only: false, ..all.clone() };
        assert_eq!(effective(&all, Platform::Ios), ios);
        let on_demand = Wish { is_required: false, ..all };
        let offered = Wish { is_required: false, is_essential: false, start_at: None, ..android };
        assert_eq!(effective(&on_demand, Platform::Android), offered);
    }
}
