//! What devices report becomes state, an outcome, or evidence.

use std::collections::{BTreeMap, HashMap, HashSet};

use drover_domain::{Change, CommandId, CommandState, Event, JobId, Outcome, Rules};
use drover_messages::{DeviceReport, ReportStatus};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Happening, Moved},
    devices,
    jobs::{self, JobRules},
    outcomes::{self, NewOutcome},
    reports::{self, Reason, UnappliedReport},
    tallies::Tally,
    timers,
};

use crate::{Service, ServiceError, moved::observe};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// It moved its command, or a later report of the same batch did.
    Applied,
    /// It moved nothing and is kept as evidence.
    Kept(Reason),
    /// It told of progress that was known already.
    Stale,
    /// There is no such command of this device.
    Unknown,
}

/// Reports that one UPDATE can apply. The order of the fields is the order of application: an older attempt first, and in
/// an attempt progress before its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    job: JobId,
    attempt: i16,
    event: Event,
    version: Option<String>,
}

impl Service {
    /// Records reports, in one transaction. The answer has one entry a report, in order.
    pub async fn record_reports(&self, batch: &[DeviceReport]) -> Result<Vec<Recorded>, ServiceError> {
        let recorded = self.store().retrying("record_reports", || self.record_once(batch)).await?;
        for result in &recorded {
            let result = match result {
                Recorded::Applied => "applied",
                Recorded::Kept(reason) => reason.as_str(),
                Recorded::Stale => "stale",
                Recorded::Unknown => "unknown",
            };
            metrics::counter!("drover_reports_total", "result" => result).increment(1);
        }
        Ok(recorded)
    }

    async fn record_once(&self, batch: &[DeviceReport]) -> Result<Vec<Recorded>, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let commands = reported_commands(&tx, batch).await?;
        let job_ids: HashSet<i64> = commands.iter().flatten().map(|command| command.job.0).collect();
        let rules = jobs::rules(&tx, &job_ids.into_iter().collect::<Vec<_>>()).await?;
        let rules: HashMap<JobId, JobRules> = rules.into_iter().map(|rules| (rules.id, rules)).collect();

        let mut recording = Recording { batch, commands: &commands, results: vec![Recorded::Unknown; batch.len()] };
        let mut tally = Tally::default();
        let mut all_moved = Vec::new();
        for (group, members) in recording.groups(&rules) {
            let moved =
                self.apply_group(&tx, &rules[&group.job], &group, &recording.devices(&members), &mut tally).await?;
            let outcomes = recording.applied(&members, &moved);
            outcomes::insert(&tx, &outcomes).await?;
            note_versions(&tx, &group, &moved).await?;
            all_moved.push((rules[&group.job].kind, moved));
        }
        let evidence = recording.judge_the_rest(&tx, &rules).await?;
        reports::insert_unapplied(&tx, &evidence).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        for (kind, moved) in &all_moved {
            observe(*kind, None, moved);
        }
        Ok(recording.results)
    }

    async fn apply_group(
        &self,
        tx: &Tx<'_>,
        rules: &JobRules,
        group: &Group,
        devices: &[i64],
        tally: &mut Tally,
    ) -> Result<Vec<Moved>, StoreError> {
        let retry_after = self.options().backoff.after(group.attempt, self.chance());
        let happening = Happening {
            attempt: Some(group.attempt),
            rules: Rules { proof_required: rules.proof_required },
            attempt_timeout: rules.policy.attempt_timeout(),
            retry_after,
            version_after: group.version.as_deref(),
            ..Happening::new(group.job, devices, group.event)
        };
        let moved = commands::apply(tx, &happening, tally).await?;
        // Their deadline may have come nearer: from that of the attempt to the end of the pause, or from that of the
        // cancel, or of a pause, to that of the attempt that goes on.
        let devices_that = |is: fn(&&Moved) -> bool| moved.iter().filter(is).map(|m| m.command.device.0).collect();
        let paused = Devices::List(devices_that(|m| m.change == Change::NextAttempt));
        timers::insert(tx, group.job, &paused, retry_after).await?;
        let resumed = Devices::List(devices_that(|m| {
            matches!(m.from, CommandState::Cancelling | CommandState::Queued)
                && m.change != Change::NextAttempt
                && !m.to.is_terminal()
        }));
        timers::insert(tx, group.job, &resumed, rules.policy.attempt_timeout()).await?;
        Ok(moved)
    }
}

/// The command that each report is about, if it is one of the reporting device's.
async fn reported_commands(tx: &Tx<'_>, batch: &[DeviceReport]) -> Result<Vec<Option<CommandId>>, StoreError> {
    let uuids: HashSet<&str> = batch.iter().map(|report| report.device_uuid.as_str()).collect();
    let ids = devices::ids_by_uuid(tx, &uuids.into_iter().collect::<Vec<_>>()).await?;
    let ids: HashMap<String, _> = ids.into_iter().collect();
    let command = |report: &DeviceReport| {
        let command = CommandId::from_i64(report.command_id)?;
        (ids.get(&report.device_uuid) == Some(&command.device)).then_some(command)
    };
    Ok(batch.iter().map(command).collect())
}

async fn note_versions(tx: &Tx<'_>, group: &Group, moved: &[Moved]) -> Result<(), StoreError> {
    let Some(version) = &group.version else { return Ok(()) };
    let devices: Vec<i64> =
        moved.iter().filter(|m| m.to == CommandState::Succeeded).map(|m| m.command.device.0).collect();
    if devices.is_empty() { Ok(()) } else { devices::set_version(tx, &devices, version).await }
}

/// A batch on its way into the database.
struct Recording<'a> {
    batch: &'a [DeviceReport],
    commands: &'a [Option<CommandId>],
    results: Vec<Recorded>,
}

impl<'a> Recording<'a> {
    /// The batch's reports by what they do. Progress towards an end that is in the batch too is left out, unless the end is
    /// a failure: that keeps the phase it happened in.
    fn groups(&mut self, rules: &HashMap<JobId, JobRules>) -> BTreeMap<Group, Vec<usize>> {
        let mut ended = HashSet::new();
        for (report, command) in self.batch.iter().zip(self.commands) {
            if let Some(command) = command
                && matches!(report.status, ReportStatus::Succeeded | ReportStatus::Cancelled)
            {
                ended.insert((*command, report.attempt));
            }
        }
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for (index, (report, command)) in self.batch.iter().zip(self.commands).enumerate() {
            let Some((command, rules)) = command.and_then(|command| Some((command, rules.get(&command.job)?))) else {
                continue;
            };
            if is_progress(report.status) && ended.contains(&(command, report.attempt)) {
                self.results[index] = Recorded::Applied;
                continue;
            }
            let event = event_of(report, rules);
            let ends_well = matches!(event, Event::Succeeded | Event::Proven);
            let version = report.firmware_version.clone().filter(|_| ends_well);
            groups.entry(Group { job: command.job, attempt: report.attempt, event, version }).or_default().push(index);
        }
        groups
    }

    /// The devices of some reports, ascending, each once: the order in which every transaction locks them.
    fn devices(&self, members: &[usize]) -> Vec<i64> {
        let mut devices: Vec<i64> =
            members.iter().filter_map(|index| self.commands[*index]).map(|command| command.device.0).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    /// Marks the reports that moved their command, the first of each, and returns the outcomes they made.
    fn applied(&mut self, members: &[usize], moved: &[Moved]) -> Vec<NewOutcome<'a>> {
        let mut waiting: HashMap<CommandId, &Moved> = moved.iter().map(|moved| (moved.command, moved)).collect();
        let mut outcomes = Vec::with_capacity(moved.len());
        for index in members {
            let Some(moved) = self.commands[*index].and_then(|command| waiting.remove(&command)) else { continue };
            let report = &self.batch[*index];
            self.results[*index] = Recorded::Applied;
            outcomes.extend(moved.outcome.map(|outcome| NewOutcome {
                command: moved.command,
                attempt: moved.attempt,
                outcome,
                code: report.code.as_deref(),
                message: report.message.as_deref(),
            }));
        }
        outcomes
    }

    /// Judges the reports that moved nothing, and returns what is kept of them.
    async fn judge_the_rest(
        &mut self,
        tx: &Tx<'_>,
        rules: &HashMap<JobId, JobRules>,
    ) -> Result<Vec<UnappliedReport<'a>>, StoreError> {
        let mut rest: BTreeMap<JobId, Vec<usize>> = BTreeMap::new();
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(command) = command
                && self.results[index] == Recorded::Unknown
                && rules.contains_key(&command.job)
            {
                rest.entry(command.job).or_default().push(index);
            }
        }
        let mut evidence = Vec::new();
        for (job, members) in rest {
            let standings = reports::standings(tx, job, &self.devices(&members)).await?;
            let standings: HashMap<i64, reports::Standing> = standings.into_iter().map(|s| (s.device, s)).collect();
            let said = reports::outcomes(tx, job, &self.devices(&members)).await?;
            let said: HashMap<(i64, i16), Outcome> = said.into_iter().collect();
            for index in members {
                let Some(command) = self.commands[index] else { continue };
                let Some(standing) = standings.get(&command.device.0) else { continue };
                let report = &self.batch[index];
                let said = said.get(&(command.device.0, report.attempt)).copied();
                self.results[index] = judge(report, standing, said);
                if let Recorded::Kept(reason) = self.results[index] {
                    evidence.push(UnappliedReport {
                        command,
                        attempt: report.attempt,
                        status: status_word(report.status),
                        code: report.code.as_deref(),
                        message: report.message.as_deref(),
                        reason,
                    });
                }
            }
        }
        Ok(evidence)
    }
}

/// Judges a report that moved nothing, by where its command stands and by how the attempt that it is about ended.
fn judge(report: &DeviceReport, standing: &reports::Standing, ended_as: Option<Outcome>) -> Recorded {
    let said_before = ended_as.is_some() && ended_as == outcome_of(report.status)
        || standing.state == CommandState::Verifying && report.status == ReportStatus::Succeeded;
    if report.attempt > standing.attempt {
        Recorded::Kept(Reason::Premature)
    } else if is_progress(report.status) {
        Recorded::Stale
    } else if said_before {
        Recorded::Kept(Reason::Duplicate)
    } else {
        Recorded::Kept(Reason::Late)
    }
}

const fn is_progress(status: ReportStatus) -> bool {
    matches!(status, ReportStatus::Downloading | ReportStatus::Installing)
}

fn event_of(report: &DeviceReport, rules: &JobRules) -> Event {
    match report.status {
        ReportStatus::Downloading => Event::Downloading,
        ReportStatus::Installing => Event::Installing,
        ReportStatus::Succeeded if report.firmware_version.as_ref() == Some(&rules.version) => Event::Proven,
        ReportStatus::Succeeded => Event::Succeeded,
        ReportStatus::Failed => Event::Failed,
        ReportStatus::Refused => Event::Refused,
        ReportStatus::Cancelled => Event::CancelConfirmed,
        ReportStatus::CancelRefused => Event::CancelRefused,
    }
}

/// The outcome that a report claims, if it claims one.
const fn outcome_of(status: ReportStatus) -> Option<Outcome> {
    match status {
        ReportStatus::Downloading | ReportStatus::Installing | ReportStatus::CancelRefused => None,
        ReportStatus::Succeeded => Some(Outcome::Succeeded),
        ReportStatus::Failed => Some(Outcome::Failed),
        ReportStatus::Refused => Some(Outcome::Rejected),
        ReportStatus::Cancelled => Some(Outcome::Cancelled),
    }
}

const fn status_word(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Downloading => "downloading",
        ReportStatus::Installing => "installing",
        ReportStatus::Succeeded => "succeeded",
        ReportStatus::Failed => "failed",
        ReportStatus::Refused => "refused",
        ReportStatus::Cancelled => "cancelled",
        ReportStatus::CancelRefused => "cancel_refused",
    }
}
