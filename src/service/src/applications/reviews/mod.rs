//! Devices are kept right: who joined is given what was pushed to its groups, labels and users as required, who left is relieved
//! of it, and what must not be removed comes back.

mod decision;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use drover_domain::{AssignmentId, Event, JobId, JobKind, PushAction};
use drover_messages::TraceContext;
use drover_store::{
    MayConflict, StoreError, Tx,
    audiences::PushAudience,
    commands::Moved,
    jobs,
    pushing::{
        assignments::Subject,
        reviews::{self, PushOrigin},
    },
    tallies::Tally,
};
use drover_telemetry::spans::{self, SpanKind};
use tracing::{Span, field};

use crate::{Service, ServiceError, applications::pushing::NewPush, jobs::moved::observe};
use decision::{Decision, Facts};

/// How long a device that cannot be reviewed leaves the others in peace.
const PUT_OFF: Duration = Duration::from_mins(1);
/// How long what Drover brought by itself is left alone when it goes again: a device that loses it each time, or says so, would
/// have pushes made without end.
const RESTORE_PAUSE: Duration = Duration::from_mins(10);

impl Service {
    /// Reviews up to `limit` devices whose assignments may have changed, in one transaction. Returns how many were looked at.
    /// When it fails, each is reviewed by itself, and who fails alone is put off.
    pub async fn review_devices(&self, limit: u32) -> Result<usize, ServiceError> {
        let claimed = AtomicI64::new(0);
        let batch = self.store().retrying("review_devices", || self.review_once(limit, &claimed)).await;
        let reviewed = match batch {
            Ok(reviewed) => reviewed,
            Err(error) if error.is_unavailable() || error.is_conflict() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "a batch of devices cannot be reviewed; each is reviewed by itself");
                self.review_each(limit).await?
            }
        };
        metrics::counter!("drover_device_reviews_total", "result" => "reviewed").increment(reviewed as u64);
        Ok(reviewed)
    }

    /// Reviews up to `limit` devices one by one. Returns how many.
    async fn review_each(&self, limit: u32) -> Result<usize, ServiceError> {
        let mut reviewed = 0;
        for _ in 0..limit {
            let claimed = AtomicI64::new(0);
            match self.store().retrying("review_device", || self.review_once(1, &claimed)).await {
                Ok(0) => break,
                Ok(found) => reviewed += found,
                Err(error) if error.is_unavailable() || error.is_conflict() => return Err(error.into()),
                Err(error) => {
                    let device = claimed.into_inner();
                    tracing::error!(device, %error, "a device cannot be reviewed and is put off");
                    metrics::counter!("drover_device_reviews_total", "result" => "put_off").increment(1);
                    reviews::put_off(&self.store().client().await?, device, PUT_OFF).await?;
                }
            }
        }
        Ok(reviewed)
    }

    /// Notes the first device that it works on in `claimed`.
    async fn review_once(&self, limit: u32, claimed: &AtomicI64) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let devices = reviews::claim(&tx, limit.into()).await?;
        let Some(first) = devices.first() else { return Ok(0) };
        claimed.store(*first, Ordering::Relaxed);
        let facts = Facts {
            reach: reviews::reach(&tx, &devices).await?,
            had: reviews::had(&tx, &devices, RESTORE_PAUSE).await?,
            sent: reviews::sent(&tx, &devices).await?,
        };
        let Decision { given, taken, stopped, waiting } = facts.decide(&devices);
        // The jobs that come of it are of one trace, which begins here: nobody called.
        let is_of_note = !(given.is_empty() && taken.is_empty());
        let span =
            if is_of_note { tracing::info_span!("review devices", otel.kind = field::Empty) } else { Span::none() };
        let trace = spans::begin(&span, SpanKind::Internal, None).unwrap_or_else(|| {
            TraceContext::root(u128::from_le_bytes(self.random()), u64::from_le_bytes(self.random()))
        });
        let pushes = self.give(&tx, given, trace).await? + self.take(&tx, taken, trace).await?;
        let moved = self.stop_commands(&tx, stopped).await?;
        reviews::ask_later(&tx, &waiting, RESTORE_PAUSE).await?;
        tx.commit().await?;
        for (kind, moved) in &moved {
            observe(*kind, None, moved);
        }
        let stopped: usize = moved.iter().map(|(_, moved)| moved.len()).sum();
        if pushes + stopped > 0 {
            tracing::info!(devices = devices.len(), pushes, stopped, trace_id = trace.trace_id(), "devices reviewed");
        }
        Ok(devices.len())
    }

    /// Gives devices what assignments want them to have: a push for each assignment. Returns how many.
    async fn give(
        &self,
        tx: &Tx<'_>,
        mut given: BTreeMap<AssignmentId, Vec<i64>>,
        trace: TraceContext,
    ) -> Result<usize, StoreError> {
        let ids: Vec<i64> = given.keys().map(|assignment| assignment.0).collect();
        let mut pushes = 0;
        for origin in reviews::lock_wishes(tx, &ids).await? {
            let devices = origin.assignment.and_then(|assignment| given.remove(&assignment));
            let Some(devices) = devices else { continue };
            let action = match origin.subject {
                Subject::Application(_) => PushAction::Install,
                Subject::Restriction(_) => PushAction::Apply,
            };
            self.push_to(tx, &origin, action, devices, trace).await?;
            pushes += 1;
        }
        Ok(pushes)
    }

    /// Relieves devices of applications and lists: a push for each of these. Returns how many.
    async fn take(
        &self,
        tx: &Tx<'_>,
        mut taken: BTreeMap<Subject, Vec<i64>>,
        trace: TraceContext,
    ) -> Result<usize, StoreError> {
        let (mut applications, mut restrictions) = (Vec::new(), Vec::new());
        for subject in taken.keys() {
            match subject {
                Subject::Application(id) => applications.push(id.0),
                Subject::Restriction(id) => restrictions.push(id.0),
            }
        }
        let mut pushes = 0;
        for origin in reviews::lock_subjects(tx, &applications, &restrictions).await? {
            let Some(devices) = taken.remove(&origin.subject) else { continue };
            let action = match origin.subject {
                Subject::Application(_) => PushAction::Uninstall,
                Subject::Restriction(_) => PushAction::Remove,
            };
            self.push_to(tx, &origin, action, devices, trace).await?;
            pushes += 1;
        }
        Ok(pushes)
    }

    async fn push_to(
        &self,
        tx: &Tx<'_>,
        origin: &PushOrigin,
        action: PushAction,
        devices: Vec<i64>,
        trace: TraceContext,
    ) -> Result<JobId, StoreError> {
        let push = NewPush {
            tenant: origin.tenant,
            action,
            subject: origin.subject,
            assignment: origin.assignment,
            audience: PushAudience::Devices(devices),
            start_at: None,
            operator: None,
            organisation: origin.organisation,
            created_by: &origin.created_by,
            name: &origin.name,
            trace,
        };
        self.start_push(tx, push).await
    }

    /// Stops commands of what is not for their devices any more.
    async fn stop_commands(
        &self,
        tx: &Tx<'_>,
        stopped: BTreeMap<JobId, Vec<i64>>,
    ) -> Result<Vec<(JobKind, Vec<Moved>)>, StoreError> {
        let mut tally = Tally::default();
        let mut all_moved = Vec::with_capacity(stopped.len());
        for (job, devices) in stopped {
            let Some((job, _)) = jobs::lock_for_planning(tx, job).await? else { continue };
            let moved = self.cancel_devices(tx, &job, &devices, Event::CancelRequested, &mut tally).await?;
            all_moved.push((job.kind, moved));
        }
        tally.write(tx, self.store().tally_shard()).await?;
        Ok(all_moved)
    }
}
