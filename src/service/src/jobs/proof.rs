//! What a device is seen running proves or disproves what its commands were to bring it, whatever became of its reports.

use std::time::Duration;

use drover_domain::{DeviceId, Event, JobId, JobKind};
use drover_store::{
    StoreError, Tx,
    commands::{
        Happening, Moved,
        proof::{self, Running, Verdict},
    },
    jobs::{self, JobRules},
    outcomes::{self, NewOutcome},
    tallies::Tally,
};

use crate::{
    Service, ServiceError,
    applications::pushing::carried_out::CarriedOut,
    jobs::{applying::apply, moved::observe},
};

/// The result code of an attempt that a check-in ended.
const CHECK_IN: &str = "check_in";
/// How long a device that has reported success may still be seen running the old version: it may have to start again first, and
/// a check may be under way while it reports.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What came of judging a device's commands.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    moved: Vec<(JobKind, Vec<Moved>)>,
    /// What the device has now by the commands that it has proven, to be written after all of them.
    pub(crate) carried_out: CarriedOut,
}

impl Judged {
    /// How many commands moved.
    pub(crate) fn count(&self) -> usize {
        self.moved.iter().map(|(_, moved)| moved.len()).sum()
    }

    /// Tells the metrics, when all is committed.
    pub(crate) fn observe(&self) {
        for (kind, moved) in &self.moved {
            observe(*kind, None, moved);
        }
    }
}

impl Service {
    /// Judges the open commands of a device that was seen running this version of a package: those that were to bring this
    /// version or an older one have succeeded, and those that were to bring a newer one and have been reported as done for a
    /// while have failed. Returns how many moved.
    pub async fn judge_check_in(
        &self,
        device: DeviceId,
        package: &str,
        version_code: i64,
    ) -> Result<usize, ServiceError> {
        let running = [Running { package, version: version_code }];
        let verdicts = proof::verdicts(&self.store().client().await?, device, &running, None, PATIENCE).await?;
        if verdicts.is_empty() {
            return Ok(0);
        }
        Ok(self.store().retrying("judge_check_in", || self.judge_once(device, &verdicts)).await?)
    }

    async fn judge_once(&self, device: DeviceId, verdicts: &[Verdict]) -> Result<usize, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let mut tally = Tally::default();
        let mut judged = self.judge(&tx, device, verdicts, &mut tally).await?;
        std::mem::take(&mut judged.carried_out).write(&tx, &mut tally).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        judged.observe();
        Ok(judged.count())
    }

    /// Carries out verdicts, which are in the order of jobs.
    pub(crate) async fn judge(
        &self,
        tx: &Tx<'_>,
        device: DeviceId,
        verdicts: &[Verdict],
        tally: &mut Tally,
    ) -> Result<Judged, StoreError> {
        let mut judged = Judged::default();
        if verdicts.is_empty() {
            return Ok(judged);
        }
        let ids: Vec<i64> = verdicts.iter().map(|verdict| verdict.job.0).collect();
        let rules = jobs::rules(tx, &ids).await?;
        let of = |job: JobId| rules.iter().find(|rules| rules.id == job);
        for verdict in verdicts {
            let Some(rules) = of(verdict.job) else { continue };
            let moved = self.carry_out(tx, device, verdict, rules, tally).await?;
            judged.carried_out.note(rules, &moved);
            judged.moved.push((rules.kind, moved));
        }
        Ok(judged)
    }

    async fn carry_out(
        &self,
        tx: &Tx<'_>,
        device: DeviceId,
        verdict: &Verdict,
        rules: &JobRules,
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let devices = [device.0];
        let newer = verdict.running.to_string();
        let runs = if verdict.running == verdict.brought { &rules.version } else { &newer };
        // What is there is there, whichever attempt brought it. What is not there says nothing against an attempt that has
        // begun since.
        let (event, attempt) =
            if verdict.is_proof() { (Event::Proven, None) } else { (Event::Disproven, Some(verdict.attempt)) };
        let happening = Happening {
            attempt,
            rules: rules.of_commands(),
            attempt_timeout: rules.policy.attempt_timeout(),
            retry_after: self.options().backoff.after(verdict.attempt, self.chance()),
            version_after: rules.client.as_ref().map(|_| runs.as_str()),
            ..Happening::new(verdict.job, &devices, event)
        };
        let moved = apply(tx, &happening, tally).await?;
        let message = format!("the device checked in with version {}", verdict.running);
        let outcome = |moved: &Moved| {
            let (code, message) = (Some(CHECK_IN), Some(message.as_str()));
            Some(NewOutcome { command: moved.command, attempt: moved.attempt, outcome: moved.outcome?, code, message })
        };
        outcomes::insert(tx, &moved.iter().filter_map(outcome).collect::<Vec<_>>(), tally).await?;
        Ok(moved)
    }
}
