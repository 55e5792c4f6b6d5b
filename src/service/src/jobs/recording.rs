//! What devices report becomes state, an outcome, or evidence.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::RangeInclusive,
};

use drover_domain::{CommandId, CommandState, DeviceId, Event, JobId, JobKind, Outcome};
use drover_messages::{DeviceReport, ReportStatus};
use drover_store::{
    StoreError, Tx,
    clients::device_apps,
    commands::{Happening, Moved},
    devices,
    jobs::{self, JobRules},
    outcomes::{self, NewOutcome},
    reports::{self, Reason, UnappliedReport},
    tallies::Tally,
};

use crate::{
    Service, ServiceError,
    applications::pushing::carried_out::CarriedOut,
    jobs::{applying::apply, evidence, moved::observe, traced},
};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// It moved its command, or a later report of the same batch did.
    Applied,
    /// It moved nothing and is kept as evidence, unless there is plenty of it.
    Kept(Reason),
    /// It told of progress that is known already, or over: nothing of it is kept.
    Stale,
    /// There is no such command of this device.
    Unknown,
}

/// Reports that one UPDATE can apply. The order of the fields is the order of application: an older attempt first, and of an
/// attempt what was said first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    job: JobId,
    attempt: i16,
    /// See [`turn_of`].
    turn: usize,
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

        let _spans = traced::in_their_traces(&commands, &rules);
        let mut recording = Recording { batch, commands: &commands, results: vec![Recorded::Unknown; batch.len()] };
        let mut tally = Tally::default();
        let mut all_moved = Vec::new();
        let within_reach = recording.within_reach(&tx, &rules).await?;
        let mut carried_out = CarriedOut::default();
        for (group, members) in recording.groups(&rules, &within_reach) {
            let moved =
                self.apply_group(&tx, &rules[&group.job], &group, &recording.devices(&members), &mut tally).await?;
            let outcomes = recording.applied(&members, &moved);
            outcomes::insert(&tx, &outcomes, &mut tally).await?;
            note_versions(&tx, &rules[&group.job], &group, &moved).await?;
            carried_out.note(&rules[&group.job], &moved);
            all_moved.push((rules[&group.job].kind, moved));
        }
        // After the commands of all groups, as whoever plans pushes locks them first too.
        carried_out.write(&tx, &mut tally).await?;
        let evidence = recording.judge_the_rest(&tx, &within_reach).await?;
        let dropped = evidence::keep(&tx, evidence).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        metrics::counter!("drover_evidence_dropped_total").increment(dropped);
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
            rules: rules.of_commands(),
            attempt_timeout: rules.policy.attempt_timeout(),
            retry_after,
            version_after: rules.client.as_ref().map(|_| rules.version.as_str()).or(group.version.as_deref()),
            ..Happening::new(group.job, devices, group.event)
        };
        apply(tx, &happening, tally).await
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

/// Notes what devices run that said they have succeeded.
async fn note_versions(tx: &Tx<'_>, rules: &JobRules, group: &Group, moved: &[Moved]) -> Result<(), StoreError> {
    let devices: Vec<i64> =
        moved.iter().filter(|m| m.to == CommandState::Succeeded).map(|m| m.command.device.0).collect();
    match (&rules.client, &group.version) {
        _ if devices.is_empty() => note_failing(tx, moved).await,
        (Some((package, code)), _) => {
            device_apps::note_upgraded(tx, &devices, package, (*code).into(), &rules.version).await
        }
        (None, Some(version)) => devices::set_version(tx, &devices, version).await,
        (None, None) => Ok(()),
    }
}

/// A device that fails was heard of, too.
async fn note_failing(tx: &Tx<'_>, moved: &[Moved]) -> Result<(), StoreError> {
    let mut devices: Vec<i64> = moved.iter().filter(|m| m.outcome.is_some()).map(|m| m.command.device.0).collect();
    devices.sort_unstable();
    if devices.is_empty() { Ok(()) } else { devices::note_contact(tx, &devices).await }
}

/// The attempts of each command that a report may be about and move it; commands that do not exist are left out.
type WithinReach = HashMap<CommandId, RangeInclusive<i16>>;

/// A batch on its way into the database.
struct Recording<'a> {
    batch: &'a [DeviceReport],
    commands: &'a [Option<CommandId>],
    results: Vec<Recorded>,
}

impl<'a> Recording<'a> {
    /// The batch's reports by what they do. Progress towards a success that is in the batch too is left out; other ends keep
    /// the phase they happened in.
    ///
    /// However many reports of a command there are, their groups are few, since each is a lock and an UPDATE or more: attempts
    /// that cannot come are left out, and of an attempt's like answers all but the first, whatever else they say.
    fn groups(&mut self, rules: &HashMap<JobId, JobRules>, within_reach: &WithinReach) -> BTreeMap<Group, Vec<usize>> {
        let can_apply = |command: &CommandId, report: &DeviceReport| {
            within_reach.get(command).is_some_and(|attempts| attempts.contains(&report.attempt))
        };
        let mut succeeded = HashSet::new();
        for (report, command) in self.batch.iter().zip(self.commands) {
            if let Some(command) = command
                && can_apply(command, report)
                && report.status == ReportStatus::Succeeded
            {
                succeeded.insert((*command, report.attempt));
            }
        }
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        let mut answers: HashMap<(CommandId, i16), Vec<Event>> = HashMap::new();
        for (index, (report, command)) in self.batch.iter().zip(self.commands).enumerate() {
            let Some((command, rules)) = command.and_then(|command| Some((command, rules.get(&command.job)?))) else {
                continue;
            };
            if !can_apply(&command, report) {
                continue;
            }
            if is_progress(report.status) && succeeded.contains(&(command, report.attempt)) {
                self.results[index] = Recorded::Applied;
                continue;
            }
            let event = event_of(report, rules);
            let ends_well = matches!(event, Event::Succeeded | Event::Proven);
            // What a client program or an application is called, its version says and not its device.
            let is_firmware = rules.kind == JobKind::Firmware;
            let version = report.firmware_version.clone().filter(|_| ends_well && is_firmware);
            let answers = answers.entry((command, report.attempt)).or_default();
            if answers.contains(&event) {
                continue;
            }
            let turn = turn_of(event, answers);
            let group = Group { job: command.job, attempt: report.attempt, turn, event, version };
            groups.entry(group).or_default().push(index);
        }
        groups
    }

    /// The attempts that each command may be in before the transaction ends: the present one, and as many more as it has tries
    /// left. What is said of another moves nothing. (An attempt that an operator's retry adds meanwhile is told to its device
    /// only when it is committed.)
    async fn within_reach(&self, tx: &Tx<'_>, rules: &HashMap<JobId, JobRules>) -> Result<WithinReach, StoreError> {
        let mut of_job: BTreeMap<JobId, Vec<usize>> = BTreeMap::new();
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(command) = command
                && rules.contains_key(&command.job)
            {
                of_job.entry(command.job).or_default().push(index);
            }
        }
        let mut within_reach = HashMap::with_capacity(self.commands.len());
        for (job, members) in of_job {
            for standing in reports::standings(tx, job, &self.devices(&members)).await? {
                let command = CommandId { job, device: DeviceId(standing.device) };
                within_reach.insert(command, standing.attempt..=standing.attempt.saturating_add(standing.retries_left));
            }
        }
        Ok(within_reach)
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
        within_reach: &WithinReach,
    ) -> Result<Vec<UnappliedReport<'a>>, StoreError> {
        let mut rest: BTreeMap<JobId, Vec<usize>> = BTreeMap::new();
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(command) = command
                && self.results[index] == Recorded::Unknown
                && within_reach.contains_key(command)
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

/// When `event` is applied among those that a batch holds of one attempt, `answers` being the different ones before it that are
/// no progress: odd for an answer, even for the progress that follows it. A device that cannot stop and then fails is not one
/// that failed while it was asked to stop, whether its reports come one by one or together.
fn turn_of(event: Event, answers: &mut Vec<Event>) -> usize {
    if event.is_progress() {
        return 2 * answers.len();
    }
    let place = answers.iter().position(|known| *known == event).unwrap_or_else(|| {
        answers.push(event);
        answers.len() - 1
    });
    2 * place + 1
}

/// Judges a report that moved nothing, by where its command stands and by how the attempt that it is about ended.
fn judge(report: &DeviceReport, standing: &reports::Standing, ended_as: Option<Outcome>) -> Recorded {
    let said_before = ended_as.is_some() && ended_as == outcome_of(report.status)
        || report.attempt == standing.attempt
            && (standing.state == CommandState::Verifying && report.status == ReportStatus::Succeeded
                || standing.cancel_refused && report.status == ReportStatus::CancelRefused);
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
    matches!(status, ReportStatus::Downloading | ReportStatus::Downloaded | ReportStatus::Installing)
}

fn event_of(report: &DeviceReport, rules: &JobRules) -> Event {
    match report.status {
        ReportStatus::Downloading => Event::Downloading,
        ReportStatus::Downloaded => Event::Downloaded,
        ReportStatus::Installing => Event::Installing,
        // A client program proves itself by its check-in alone, see jobs/proof.rs.
        ReportStatus::Succeeded
            if rules.kind == JobKind::Firmware && report.firmware_version.as_ref() == Some(&rules.version) =>
        {
            Event::Proven
        }
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
        ReportStatus::Downloading
        | ReportStatus::Downloaded
        | ReportStatus::Installing
        | ReportStatus::CancelRefused => None,
        ReportStatus::Succeeded => Some(Outcome::Succeeded),
        ReportStatus::Failed => Some(Outcome::Failed),
        ReportStatus::Refused => Some(Outcome::Rejected),
        ReportStatus::Cancelled => Some(Outcome::Cancelled),
    }
}

const fn status_word(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Downloading => "downloading",
        ReportStatus::Downloaded => "downloaded",
        ReportStatus::Installing => "installing",
        ReportStatus::Succeeded => "succeeded",
        ReportStatus::Failed => "failed",
        ReportStatus::Refused => "refused",
        ReportStatus::Cancelled => "cancelled",
        ReportStatus::CancelRefused => "cancel_refused",
    }
}

#[cfg(test)]
mod tests {
    use drover_domain::{JobState, Policy};

    use super::*;

    #[test]
    fn whatever_a_device_claims_of_a_command_makes_few_groups() {
        let command = CommandId { job: JobId(1), device: DeviceId(1) };
        let policy = Policy { retry_limit: 3, attempt_timeout_s: 60, job_timeout_s: 60 };
        let rules = JobRules {
            id: command.job,
            kind: JobKind::Firmware,
            state: JobState::Running,
            policy,
            proof_required: true,
            version: "2.0".into(),
            client: None,
            push: None,
            trace_context: String::new(),
            is_expired: false,
        };
        let statuses = [
            ReportStatus::Downloading,
            ReportStatus::Downloaded,
            ReportStatus::Installing,
            ReportStatus::Succeeded,
            ReportStatus::Failed,
            ReportStatus::Refused,
            ReportStatus::Cancelled,
            ReportStatus::CancelRefused,
        ];
        let claim = |n: i16| DeviceReport {
            v: 1,
            command_id: command.to_i64(),
            attempt: 1 + n / 100,
            status: statuses[usize::from(n.unsigned_abs()) % statuses.len()],
            code: None,
            message: None,
            firmware_version: Some(if n % 5 == 2 { "2.0".into() } else { format!("1.{n}") }),
            device_uuid: "d1".into(),
        };
        let batch: Vec<DeviceReport> = (0..10_000).map(claim).collect();
        let commands = vec![Some(command); batch.len()];
        let mut recording =
            Recording { batch: &batch, commands: &commands, results: vec![Recorded::Unknown; batch.len()] };
        let groups = recording.groups(&HashMap::from([(command.job, rules)]), &HashMap::from([(command, 2..=4)]));
        let attempts: HashSet<i16> = groups.keys().map(|group| group.attempt).collect();
        assert_eq!(attempts, HashSet::from([2, 3, 4]));
        // Of each attempt six answers at the most, and before each and behind the last all three kinds of progress.
        assert!(groups.len() <= 3 * (6 + 7 * 3), "{} groups", groups.len());
        let groups = recording.groups(&HashMap::new(), &HashMap::new());
        assert!(groups.is_empty());
    }
}
