//! Who did what, from where: written in the transaction of what was done.

use drover_domain::{OrganisationId, TenantId};
use drover_store::{
    GenericClient, StoreError,
    audit::{self, AuditEntry, NewEntry},
};

use crate::{Actor, List, ListFrom, Service, ServiceError};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An operator signed in to the dashboard.
    SignedIn,
    /// An operator signed out of it.
    SignedOut,
    /// A job was paused.
    JobPaused,
    /// A job went on.
    JobResumed,
    /// A job was cancelled.
    JobCancelled,
    /// What failed in a job is tried again.
    JobRetried,
    /// The workers take no more from a queue.
    QueuePaused,
    /// The workers take from a queue again.
    QueueResumed,
    /// Dead letters were sent again.
    DeadLettersReplayed,
    /// Dead letters were thrown away.
    DeadLettersDiscarded,
    /// A worker takes no more work.
    WorkerDrained,
    /// A worker takes work again.
    WorkerResumed,
    /// An operator may run the installation.
    InstallationGranted,
    /// An operator may run it no longer.
    InstallationWithdrawn,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::SignedIn,
        Self::SignedOut,
        Self::JobPaused,
        Self::JobResumed,
        Self::JobCancelled,
        Self::JobRetried,
        Self::QueuePaused,
        Self::QueueResumed,
        Self::DeadLettersReplayed,
        Self::DeadLettersDiscarded,
        Self::WorkerDrained,
        Self::WorkerResumed,
        Self::InstallationGranted,
        Self::InstallationWithdrawn,
    ];

    /// The action's name in rows and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::JobPaused => "job_paused",
            Self::JobResumed => "job_resumed",
            Self::JobCancelled => "job_cancelled",
            Self::JobRetried => "job_retried",
            Self::QueuePaused => "queue_paused",
            Self::QueueResumed => "queue_resumed",
            Self::DeadLettersReplayed => "dead_letters_replayed",
            Self::DeadLettersDiscarded => "dead_letters_discarded",
            Self::WorkerDrained => "worker_drained",
            Self::WorkerResumed => "worker_resumed",
            Self::InstallationGranted => "installation_granted",
            Self::InstallationWithdrawn => "installation_withdrawn",
        }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What kind of thing: `job`, `queue`, `worker`, `operator`.
    pub(crate) kind: &'static str,
    /// Which.
    pub(crate) id: String,
    /// Whose, and of which organisation; `None`: the installation's.
    pub(crate) owner: Option<(TenantId, Option<OrganisationId>)>,
}

impl Service {
    /// Writes an entry with the transaction of what was done.
    pub(crate) async fn note(
        &self,
        client: &impl GenericClient,
        actor: &Actor,
        action: Action,
        subject: &Subject,
        (devices, detail): (Option<i64>, &str),
    ) -> Result<(), StoreError> {
        let address = actor.address.map(|address| address.to_string()).unwrap_or_default();
        let entry = NewEntry {
            tenant: subject.owner.map(|(tenant, _)| tenant),
            organisation: subject.owner.and_then(|(_, organisation)| organisation),
            operator: actor.operator,
            actor: &actor.name,
            via: actor.via.as_str(),
            address: &address,
            action: action.as_str(),
            subject_kind: subject.kind,
            subject: &subject.id,
            devices,
            detail,
        };
        audit::insert(client, &entry).await
    }

    /// Notes that an operator signed in or out.
    pub async fn note_session(&self, actor: &Actor, action: Action) -> Result<(), ServiceError> {
        let owner = actor.home.map(|(tenant, organisation)| (tenant, Some(organisation)));
        let subject = Subject { kind: "operator", id: actor.name.clone(), owner };
        Ok(self.note(&self.store().client().await?, actor, action, &subject, (None, "")).await?)
    }

    /// What was done within an operator's reach, newest first. A page may be empty and still say where the next begins: it
    /// looks at a bounded number of entries.
    pub async fn audit(&self, actor: &Actor, from: &ListFrom) -> Result<List<AuditEntry>, ServiceError> {
        let limit = from.limit()?;
        let before = match from.after_id()? {
            0 => i64::MAX,
            id => id,
        };
        let (items, next) = audit::list(&self.store().client().await?, &actor.reach, before, limit).await?;
        Ok(List { items, next: next.map(|id| id.to_string()) })
    }
}
