//! A push comes to be: the job that installs, uninstalls, applies or removes on whoever its audience is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{AssignmentId, JobEvent, JobId, JobKind, OperatorId, OrganisationId, Policy, PushAction, TenantId};
use drover_messages::{PlanJob, TraceContext};
use drover_store::{
    StoreError, Tx, audiences,
    audiences::PushAudience,
    jobs,
    pushing::{
        assignments::{self, Subject, Wish},
        pushes,
    },
};

use crate::{Service, jobs::seconds};

/// Automatic tries of a push after the first: what failed three times more will not go well by itself.
const RETRIES: i16 = 3;
/// How long a device may take that is to download over Wi-Fi alone: it comes home within a day.
const WIFI_ATTEMPT: Duration = Duration::from_hours(24);

/// A push to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewPush<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// What it does.
    pub action: PushAction,
    /// What it is about.
    pub subject: Subject,
    /// What it carries out; of installs and applies alone.
    pub assignment: Option<AssignmentId>,
    /// On whose devices.
    pub audience: PushAudience,
    /// When; `None`: at once.
    pub start_at: Option<DateTime<Utc>>,
    /// Who makes it; `None`: Drover itself.
    pub operator: Option<OperatorId>,
    /// For which organisation; the default group is that of its users.
    pub organisation: OrganisationId,
    /// The display name of who makes it.
    pub created_by: &'a str,
    /// Its name; must not be empty.
    pub name: &'a str,
    /// The call that it is a part of.
    pub trace: TraceContext,
}

impl Service {
    /// Makes a push in the caller's transaction and starts it, now or at its time. Who is given a command is planned
    /// afterwards, so that this takes as long for one device as for a million.
    pub(crate) async fn start_push(&self, tx: &Tx<'_>, push: NewPush<'_>) -> Result<JobId, StoreError> {
        let wish = match push.assignment {
            Some(assignment) => assignments::get(tx, assignment).await?.map(|assignment| assignment.wish),
            None => None,
        };
        let trace_context = push.trace.to_string();
        let new = pushes::NewPushJob {
            tenant: push.tenant,
            action: push.action,
            subject: push.subject,
            assignment: push.assignment,
            name: push.name,
            policy: self.push_policy(wish.as_ref()),
            operator: push.operator,
            created_by: push.created_by,
            organisation: push.organisation,
            trace_context: &trace_context,
        };
        let job = pushes::insert(tx, &new).await?;
        audiences::insert_push(tx, job, &push.audience, push.organisation, push.created_by).await?;
        if push.start_at.is_some() {
            jobs::apply(tx, job, JobEvent::Schedule, push.start_at).await?;
        } else {
            jobs::apply(tx, job, JobEvent::Start, None).await?;
            jobs::set_plan_due(tx, job, Some(self.plan_lease())).await?;
            self.post_plan(tx, JobKind::Push, &PlanJob { job_id: job.0 }, &trace_context).await?;
        }
        metrics::counter!("drover_jobs_created_total", "kind" => JobKind::Push.as_str()).increment(1);
        Ok(job)
    }

    /// A push waits for devices that are away for as long as a distribution does. What is on demand is an offer that stands for
    /// all of that time, in one attempt; what is to be downloaded over Wi-Fi alone must wait for Wi-Fi.
    fn push_policy(&self, wish: Option<&Wish>) -> Policy {
        let (attempt, whole) = (self.options().attempt_timeout, self.options().job_timeout);
        let attempt = match wish {
            Some(wish) if !wish.is_required => whole,
            Some(wish) if wish.wifi_only => attempt.max(WIFI_ATTEMPT).min(whole),
            _ => attempt,
        };
        Policy { retry_limit: RETRIES, attempt_timeout_s: seconds(attempt), job_timeout_s: seconds(whole) }
    }
}
