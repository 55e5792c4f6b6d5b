//! Jobs and commands on the wire.

use std::collections::BTreeMap;

use drover_domain::{CommandState, Outcome, PushAction, StateCounts};
use drover_service::{
    Asked, Audience, CommandRow, FailureReason, Failures, JobDetail, JobSample, JobSummary, RetryWish,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::time;

/// A job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobView {
    id: String,
    /// The name of its tenant.
    tenant: String,
    /// `publish`, `distribute`, `push` or `firmware`.
    kind: &'static str,
    /// What a push does: `install`, `uninstall`, `apply` or `remove`.
    action: Option<&'static str>,
    name: String,
    state: &'static str,
    /// What it brings or takes away, for people to read.
    brings: String,
    created_by: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    start_at: Option<String>,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When its time is over.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    commands: CountsView,
}

impl From<&JobSummary> for JobView {
    fn from(job: &JobSummary) -> Self {
        Self {
            id: job.id.to_string(),
            tenant: job.tenant_name.clone(),
            kind: job.kind.as_str(),
            action: job.push_action.map(PushAction::as_str),
            name: job.name.clone(),
            state: job.state.as_str(),
            brings: job.brings.clone(),
            created_by: job.created_by.clone(),
            created_at: time(job.created_at),
            start_at: job.start_at.map(time),
            started_at: job.started_at.map(time),
            expires_at: job.expires_at.map(time),
            finished_at: job.finished_at.map(time),
            commands: CountsView::from(&job.counts),
        }
    }
}

/// Commands by where they stand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CountsView {
    total: i64,
    /// Not ended.
    open: i64,
    /// Of these, those that no channel has taken.
    waiting: i64,
    /// Of these, those that are with their devices.
    under_way: i64,
    succeeded: i64,
    /// Ended otherwise.
    failed: i64,
    /// By state; states without any are left out.
    by_state: BTreeMap<&'static str, i64>,
}

impl From<&StateCounts> for CountsView {
    fn from(counts: &StateCounts) -> Self {
        let by_state = counts.iter().filter(|(_, count)| *count != 0);
        Self {
            total: counts.total(),
            open: counts.open(),
            waiting: counts.waiting(),
            under_way: counts.under_way(),
            succeeded: counts.succeeded(),
            failed: counts.failed(),
            by_state: by_state.map(|(state, count)| (state.as_str(), count)).collect(),
        }
    }
}

/// A job with what its page shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobDetailView {
    #[serde(flatten)]
    job: JobView,
    description: String,
    policy: PolicyView,
    /// The product whose devices it is for.
    product: Option<String>,
    /// The organisation for which its operator acted.
    organisation: Option<String>,
    /// The publication on which a distribution rests.
    publication: Option<String>,
    pace: PaceView,
    /// Whom it is for: the first calls that said so.
    audiences: Vec<AudienceView>,
    /// Who had it try again, newest first.
    retries: Vec<RetryView>,
    failures: FailuresView,
    /// How it went, in the order of time.
    samples: Vec<SampleView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyView {
    /// Automatic tries after the first.
    retry_limit: i16,
    attempt_timeout_s: i32,
    job_timeout_s: i32,
    /// Whether success needs proof.
    proof_required: bool,
    /// Whether the user of a device may not put it off.
    force: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PaceView {
    /// Commands that ended, a second, lately; of a job that has ended, all the time.
    per_s: Option<f64>,
    /// When it will have ended if it goes on so.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AudienceView {
    /// `devices`, `product`, `organisation`, `users` or `holders`: whoever has what it is about.
    kind: &'static str,
    /// Devices by name.
    devices: Option<i64>,
    /// An organisation and all below it; of users, those in no group.
    organisation: Option<String>,
    users: Option<i64>,
    groups: Option<i64>,
    labels: Option<i64>,
    created_by: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When all of them had their commands.
    #[schema(format = DateTime)]
    planned_at: Option<String>,
}

impl From<&Audience> for AudienceView {
    fn from(audience: &Audience) -> Self {
        let mut view = Self {
            kind: "holders",
            devices: None,
            organisation: None,
            users: None,
            groups: None,
            labels: None,
            created_by: audience.created_by.clone(),
            created_at: time(audience.created_at),
            planned_at: audience.planned_at.map(time),
        };
        match &audience.asked {
            Asked::Devices(count) => (view.kind, view.devices) = ("devices", Some(*count)),
            Asked::Product => view.kind = "product",
            Asked::Organisation(name) => (view.kind, view.organisation) = ("organisation", Some(name.clone())),
            Asked::Users { users, groups, labels, ungrouped_of } => {
                view.kind = "users";
                (view.users, view.groups, view.labels) = (Some(*users), Some(*groups), Some(*labels));
                view.organisation.clone_from(ungrouped_of);
            }
            Asked::Holders => {}
        }
        view
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RetryView {
    id: String,
    /// Commands that stood here.
    states: Vec<&'static str>,
    /// Of these, those whose last attempt ended with this code.
    code: Option<String>,
    /// Commands tried again so far.
    retried: i64,
    /// Commands passed by, since their devices are in other jobs.
    busy: i64,
    asked_by: String,
    #[schema(format = DateTime)]
    asked_at: String,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

impl From<&RetryWish> for RetryView {
    fn from(wish: &RetryWish) -> Self {
        Self {
            id: wish.id.to_string(),
            states: wish.states.iter().map(|state| state.as_str()).collect(),
            code: wish.code.clone(),
            retried: wish.retried,
            busy: wish.busy,
            asked_by: wish.asked_by.clone(),
            asked_at: time(wish.asked_at),
            finished_at: wish.finished_at.map(time),
        }
    }
}

/// Attempts that did not succeed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FailuresView {
    total: i64,
    /// The most frequent reasons.
    reasons: Vec<ReasonView>,
    /// Attempts that failed for others.
    rest: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReasonView {
    /// How the attempts ended.
    outcome: &'static str,
    /// The devices' code: empty where there was none, `*` for those that there were too many of to count one by one.
    code: String,
    count: i64,
    by_attempt: Vec<AttemptsView>,
}

#[derive(Serialize, ToSchema)]
struct AttemptsView {
    /// Which try of its command each was, from 1.
    attempt: i16,
    count: i64,
}

impl From<&Failures> for FailuresView {
    fn from(failures: &Failures) -> Self {
        let attempts = |(attempt, count): &(i16, i64)| AttemptsView { attempt: *attempt, count: *count };
        let reason = |reason: &FailureReason| ReasonView {
            outcome: reason.outcome.as_str(),
            code: reason.code.clone(),
            count: reason.count,
            by_attempt: reason.by_attempt.iter().map(attempts).collect(),
        };
        Self { total: failures.total, reasons: failures.reasons.iter().map(reason).collect(), rest: failures.rest() }
    }
}

/// Where commands stood at a time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SampleView {
    #[schema(format = DateTime)]
    at: String,
    planned: i64,
    queued: i64,
    under_way: i64,
    succeeded: i64,
    failed: i64,
}

impl From<&JobSample> for SampleView {
    fn from(sample: &JobSample) -> Self {
        let JobSample { at, planned, queued, under_way, succeeded, failed } = *sample;
        Self { at: time(at), planned, queued, under_way, succeeded, failed }
    }
}

impl From<&JobDetail> for JobDetailView {
    fn from(detail: &JobDetail) -> Self {
        let more = &detail.more;
        Self {
            job: JobView::from(&detail.summary),
            description: more.description.clone(),
            policy: PolicyView {
                retry_limit: more.policy.retry_limit,
                attempt_timeout_s: more.policy.attempt_timeout_s,
                job_timeout_s: more.policy.job_timeout_s,
                proof_required: more.proof_required,
                force: more.force,
            },
            product: more.product.clone(),
            organisation: more.organisation.clone(),
            publication: more.publication.map(|job| job.to_string()),
            pace: PaceView { per_s: detail.pace.per_s, ends_at: detail.pace.ends_at.map(time) },
            audiences: detail.audiences.iter().map(AudienceView::from).collect(),
            retries: detail.retries.iter().map(RetryView::from).collect(),
            failures: FailuresView::from(&detail.failures),
            samples: detail.samples.iter().map(SampleView::from).collect(),
        }
    }
}

/// A command.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommandView {
    id: String,
    device_id: String,
    /// What its device calls itself.
    uuid: String,
    device_name: String,
    sn: String,
    imei: String,
    state: &'static str,
    /// Where it stood before.
    prior_state: &'static str,
    /// The present attempt, or the last.
    attempt: i16,
    /// How the last ended attempt ended.
    outcome: Option<&'static str>,
    /// The device's code for that.
    code: Option<String>,
    /// The device's words for that.
    message: Option<String>,
    version_before: String,
    version_after: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    sent_at: Option<String>,
    /// When it is looked after next.
    #[schema(format = DateTime)]
    deadline_at: Option<String>,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

impl From<&CommandRow> for CommandView {
    fn from(command: &CommandRow) -> Self {
        Self {
            id: command.id.to_i64().to_string(),
            device_id: command.id.device.to_string(),
            uuid: command.uuid.clone(),
            device_name: command.device_name.clone(),
            sn: command.sn.clone(),
            imei: command.imei.clone(),
            state: CommandState::as_str(command.state),
            prior_state: CommandState::as_str(command.prior_state),
            attempt: command.attempt,
            outcome: command.outcome.map(Outcome::as_str),
            code: command.code.clone(),
            message: command.message.clone(),
            version_before: command.version_before.clone(),
            version_after: command.version_after.clone(),
            created_at: time(command.created_at),
            sent_at: command.sent_at.map(time),
            deadline_at: command.deadline_at.map(time),
            updated_at: time(command.updated_at),
            finished_at: command.finished_at.map(time),
        }
    }
}
