//! Commands: the one guarded UPDATE that moves them, and what planner, dispatcher and timekeeper read.
//!
//! Every statement names one job and a range or list of its devices. That keeps to the primary key whatever the
//! statistics say; joining a batch against the table does not (it was seen to scan the whole table per batch).

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{Budget, Change, CommandId, CommandState, DeviceId, Event, JobId, Outcome, Rules, moves};

use crate::{GenericClient, StoreError, Tx, rows, sql, tallies::Tally};

/// Some devices of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Devices {
    /// Everybody from the first to the last, both included.
    Range(i64, i64),
    /// These.
    List(Vec<i64>),
}

/// An event that happened to some commands of one job, and what it brings with it.
#[derive(Debug, Clone)]
pub struct Happening<'a> {
    /// The job.
    pub job: JobId,
    /// Whose commands.
    pub devices: &'a [i64],
    /// Only those in this attempt; `None`: whichever they are in.
    pub attempt: Option<i16>,
    /// What happened.
    pub event: Event,
    /// What the job asks of its commands.
    pub rules: Rules,
    /// Only commands whose deadline has passed.
    pub due_only: bool,
    /// From now until the deadline of an attempt that a device is at work on.
    pub attempt_timeout: Duration,
    /// From now until a device's answer to a wish to cancel is no longer waited for.
    pub cancel_timeout: Duration,
    /// From now until the next attempt may go out.
    pub retry_after: Duration,
    /// Automatic tries that an operator's retry restores.
    pub retry_limit: i16,
    /// The version that the devices reported.
    pub version_after: Option<&'a str>,
}

impl<'a> Happening<'a> {
    /// `event` on the commands of `devices`, without anything else.
    pub fn new(job: JobId, devices: &'a [i64], event: Event) -> Self {
        Self {
            job,
            devices,
            attempt: None,
            event,
            rules: Rules::default(),
            due_only: false,
            attempt_timeout: Duration::ZERO,
            cancel_timeout: Duration::ZERO,
            retry_after: Duration::ZERO,
            retry_limit: 0,
            version_after: None,
        }
    }

    /// When the timekeeper must act next on a command that `change` leaves open.
    fn next_deadline(&self, change: Change) -> Option<Duration> {
        match change {
            Change::To(CommandState::Cancelling) => Some(self.cancel_timeout),
            Change::To(state) if state.is_terminal() => None,
            Change::To(_) | Change::Back => Some(self.attempt_timeout),
            Change::NextAttempt | Change::FreshAttempt => Some(self.retry_after),
        }
    }
}

/// A command that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The command.
    pub command: CommandId,
    /// The attempt in which it happened.
    pub attempt: i16,
    /// What happened to it.
    pub change: Change,
    /// Where it was.
    pub from: CommandState,
    /// Where it is.
    pub to: CommandState,
    /// How the attempt ended, if it did.
    pub outcome: Option<Outcome>,
    /// When the command was planned.
    pub planned_at: DateTime<Utc>,
    /// When the channel took the attempt that goes on or has ended for good.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it moved.
    pub moved_at: DateTime<Utc>,
}

/// Applies an event: the only way a command that has left the planner moves. One UPDATE for each [`drover_domain::Move`],
/// guarded by attempt, state and budget; commands that are elsewhere stay as they are and are missing from the answer.
pub async fn apply(tx: &Tx<'_>, what: &Happening<'_>, tally: &mut Tally) -> Result<Vec<Moved>, StoreError> {
    const SQL: &str = "/* commands::apply */ UPDATE commands SET
            state = COALESCE($6, prior_state),
            prior_state = state,
            attempt = attempt + $7,
            retries_left = COALESCE($8, retries_left - $7),
            cancel_refused = ($6 IS NULL OR cancel_refused) AND $7 = 0,
            -- A device's progress does not buy it time: the deadline is that of the attempt.
            deadline_at = CASE WHEN $10 AND state <> 'queued' THEN deadline_at
                               ELSE now() + make_interval(secs => $9) END,
            sent_at = CASE WHEN $6 = 'sent' THEN now() WHEN $7 = 0 THEN sent_at END,
            version_after = COALESCE($11, version_after),
            updated_at = now(),
            finished_at = CASE WHEN $9 IS NULL THEN now() END
        WHERE job_id = $1 AND device_id = ANY($2)
            AND ($3::smallint IS NULL OR attempt = $3)
            AND state = ANY($4)
            AND ($5::boolean IS NULL OR (retries_left > 0) = $5)
            AND (NOT $12 OR deadline_at <= now())
        RETURNING device_id, attempt - $7 AS attempt, prior_state AS from_state, state, created_at, sent_at, updated_at";
    let mut moved = Vec::new();
    if what.devices.is_empty() {
        return Ok(moved);
    }
    for rule in moves(what.event, what.rules) {
        let sources: Vec<&str> = rule.sources.iter().map(|state| state.as_str()).collect();
        let budget = rule.budget.map(|budget| budget == Budget::Left);
        let target = match rule.change {
            Change::To(state) => Some(state.as_str()),
            Change::NextAttempt | Change::FreshAttempt => Some(CommandState::Queued.as_str()),
            Change::Back => None,
        };
        let attempts_more = i16::from(matches!(rule.change, Change::NextAttempt | Change::FreshAttempt));
        let retries_left = (rule.change == Change::FreshAttempt).then_some(what.retry_limit);
        let deadline_s = what.next_deadline(rule.change).map(|pause| pause.as_secs_f64());
        let is_progress = matches!(rule.change, Change::To(CommandState::Downloading | CommandState::Installing));
        let version = what.version_after.filter(|_| rule.change == Change::To(CommandState::Succeeded));
        let found = sql::query(
            tx,
            SQL,
            &[
                &what.job.0,
                &what.devices,
                &what.attempt,
                &sources,
                &budget,
                &target,
                &attempts_more,
                &retries_left,
                &deadline_s,
                &is_progress,
                &version,
                &what.due_only,
            ],
        )
        .await?;
        for row in &found {
            let from = rows::state(row, "from_state")?;
            let to = rows::state(row, "state")?;
            tally.shift(what.job, from, to);
            moved.push(Moved {
                command: CommandId { job: what.job, device: DeviceId(row.get("device_id")) },
                attempt: row.get("attempt"),
                change: rule.change,
                from,
                to,
                outcome: Outcome::of(rule.change, what.event),
                planned_at: row.get("created_at"),
                sent_at: row.get("sent_at"),
                moved_at: row.get("updated_at"),
            });
        }
    }
    Ok(moved)
}

/// A chunk of commands that was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedChunk {
    /// The first device looked at.
    pub first: i64,
    /// The last device looked at.
    pub last: i64,
    /// Devices looked at.
    pub looked_at: i64,
    /// Commands let go.
    pub released: i64,
}

/// Lets the planned commands among the next `limit` devices after `after` go; `None` when there is no further device. They
/// are the dispatcher's for `lease`. The caller holds the job's lock.
pub async fn release_chunk(
    tx: &Tx<'_>,
    job: JobId,
    after: i64,
    limit: i64,
    (retry_limit, lease): (i16, Duration),
) -> Result<Option<ReleasedChunk>, StoreError> {
    const CHUNK: &str = "/* commands::release_chunk chunk */ SELECT count(*), min(device_id), max(device_id) FROM (
        SELECT device_id FROM commands WHERE job_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3) chunk";
    const RELEASE: &str = "/* commands::release_chunk */ UPDATE commands SET state = 'queued', prior_state = state,
            retries_left = $4, deadline_at = now() + make_interval(secs => $5), updated_at = now()
        WHERE job_id = $1 AND device_id BETWEEN $2 AND $3 AND state = 'planned'";
    let chunk = sql::query_one(tx, CHUNK, &[&job.0, &after, &limit]).await?;
    let (Some(first), Some(last)) = (chunk.get::<_, Option<i64>>(1), chunk.get::<_, Option<i64>>(2)) else {
        return Ok(None);
    };
    let released = sql::execute(tx, RELEASE, &[&job.0, &first, &last, &retry_limit, &lease.as_secs_f64()]).await?;
    Ok(Some(ReleasedChunk { first, last, looked_at: chunk.get(0), released: released.cast_signed() }))
}

/// Commands of other jobs of the same kind that are still out for the devices to which a chunk of `job` is released: what
/// is released last is the newest word. Those that are only planned have their turn when they are released.
pub async fn outdated(
    client: &impl GenericClient,
    job: JobId,
    devices: &Devices,
) -> Result<Vec<CommandId>, StoreError> {
    macro_rules! older {
        ($name:literal, $devices:literal) => {
            concat!(
                "/* commands::outdated ",
                $name,
                " */ SELECT older.job_id, older.device_id FROM commands c JOIN commands older ON older.device_id = c.device_id
                 WHERE c.job_id = $1 AND c.state = 'queued' AND c.",
                $devices,
                " AND older.job_id <> $1 AND older.finished_at IS NULL AND older.state <> 'planned'
                   AND (SELECT kind FROM jobs WHERE id = older.job_id) = (SELECT kind FROM jobs WHERE id = $1)
                 ORDER BY older.job_id, older.device_id"
            )
        };
    }
    const IN_RANGE: &str = older!("range", "device_id BETWEEN $2 AND $3");
    const IN_LIST: &str = older!("list", "device_id = ANY($2)");
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids]).await?,
    };
    Ok(found.iter().map(|row| CommandId { job: JobId(row.get(0)), device: DeviceId(row.get(1)) }).collect())
}

/// A command as a channel needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The device.
    pub device: DeviceId,
    /// The device's name for itself.
    pub uuid: String,
    /// The way to it.
    pub channel: String,
    /// The present attempt.
    pub attempt: i16,
}

/// The devices among `devices` whose command is in `state` and, when given, in `attempt`.
pub async fn addressees(
    client: &impl GenericClient,
    job: JobId,
    devices: &Devices,
    state: CommandState,
    attempt: Option<i16>,
) -> Result<Vec<Addressee>, StoreError> {
    const IN_RANGE: &str = "/* commands::addressees range */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id BETWEEN $2 AND $3 AND c.state = $4 AND ($5::smallint IS NULL OR c.attempt = $5)
        ORDER BY c.device_id";
    const IN_LIST: &str = "/* commands::addressees list */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id = ANY($2) AND c.state = $3 AND ($4::smallint IS NULL OR c.attempt = $4)
        ORDER BY c.device_id";
    let state = state.as_str();
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last, &state, &attempt]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids, &state, &attempt]).await?,
    };
    let addressee = |row: &tokio_postgres::Row| Addressee {
        device: DeviceId(row.get(0)),
        uuid: row.get(1),
        channel: row.get(2),
        attempt: row.get(3),
    };
    Ok(found.iter().map(addressee).collect())
}

/// A command whose deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The device.
    pub device: i64,
    /// The present attempt.
    pub attempt: i16,
    /// The present state.
    pub state: CommandState,
}

/// The commands among `devices` whose deadline has passed, by device.
pub async fn due(client: &impl GenericClient, job: JobId, devices: &Devices) -> Result<Vec<Due>, StoreError> {
    const IN_RANGE: &str = "/* commands::due range */ SELECT device_id, attempt, state FROM commands
        WHERE job_id = $1 AND device_id BETWEEN $2 AND $3 AND deadline_at <= now() ORDER BY device_id";
    const IN_LIST: &str = "/* commands::due list */ SELECT device_id, attempt, state FROM commands
        WHERE job_id = $1 AND device_id = ANY($2) AND deadline_at <= now() ORDER BY device_id";
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids]).await?,
    };
    let due = |row: &tokio_postgres::Row| {
        Ok(Due { device: row.get(0), attempt: row.get(1), state: rows::state(row, "state")? })
    };
    found.iter().map(due).collect()
}

/// Gives queued commands that are due to the dispatcher for another `lease`, or for longer the longer they have waited, up
/// to `max_lease`: nobody listens for a device that is away, and asking each minute for days would only keep the tables busy.
/// Returns the devices whose command it was.
pub async fn lease_again(
    tx: &Tx<'_>,
    job: JobId,
    attempt: i16,
    devices: &[i64],
    (lease, max_lease): (Duration, Duration),
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str =
        "/* commands::lease_again */ UPDATE commands SET deadline_at = now() + GREATEST(make_interval(secs => $4),
            LEAST((now() - updated_at) / 2, make_interval(secs => $5)))
        WHERE job_id = $1 AND device_id = ANY($2) AND attempt = $3 AND state = 'queued' AND deadline_at <= now()
        RETURNING device_id";
    let found =
        sql::query(tx, SQL, &[&job.0, &devices, &attempt, &lease.as_secs_f64(), &max_lease.as_secs_f64()]).await?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// Makes the queued commands among the next `limit` devices after `after` due at once: for a broker that has kept nothing.
/// Returns the last device looked at, `None` when there is no further one.
pub async fn make_queued_due(tx: &Tx<'_>, job: JobId, after: i64, limit: i64) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "/* commands::make_queued_due */ WITH chunk AS (
            SELECT device_id, state FROM commands WHERE job_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3
        ), due AS (
            UPDATE commands SET deadline_at = now() WHERE job_id = $1 AND state = 'queued' AND deadline_at > now()
                AND device_id = ANY(ARRAY(SELECT device_id FROM chunk WHERE state = 'queued'))
        ) SELECT max(device_id) FROM chunk";
    Ok(sql::query_one(tx, SQL, &[&job.0, &after, &limit]).await?.get(0))
}

/// Devices of a job after `after` whose command is in one of `states`, `limit` at most, ascending.
pub async fn in_states(
    client: &impl GenericClient,
    job: JobId,
    after: i64,
    states: &[CommandState],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* commands::in_states */ SELECT device_id FROM commands
        WHERE job_id = $1 AND device_id > $2 AND state = ANY($3) ORDER BY device_id LIMIT $4";
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    Ok(sql::query(client, SQL, &[&job.0, &after, &states, &limit]).await?.iter().map(|row| row.get(0)).collect())
}

/// How many of `devices` have a command of this job.
pub async fn count(client: &impl GenericClient, job: JobId, devices: &[i64]) -> Result<i64, StoreError> {
    const SQL: &str = "/* commands::count */ SELECT count(*) FROM commands WHERE job_id = $1 AND device_id = ANY($2)";
    Ok(sql::query_one(client, SQL, &[&job.0, &devices]).await?.get(0))
}
