//! The one guarded UPDATE that moves commands.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{Budget, Change, CommandId, CommandState, DeviceId, Event, JobId, Outcome, Rules, moves};

use crate::{StoreError, Tx, rows, sql, tallies::Tally};

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
/// Where it takes several, the commands are locked first: one that others move from the sources of the second to those of the
/// first between the two would be missed by both.
pub async fn apply(tx: &Tx<'_>, what: &Happening<'_>, tally: &mut Tally) -> Result<Vec<Moved>, StoreError> {
    const SQL: &str = "/* commands::apply */ UPDATE commands SET
            state = COALESCE($6, prior_state),
            prior_state = state,
            attempt = attempt + $7,
            retries_left = COALESCE($8, retries_left - $7),
            cancel_refused = ($6 IS NULL OR cancel_refused) AND $7 = 0,
            -- Only a failed attempt is followed by a pause; an operator's retry is not.
            not_before = CASE WHEN $7 = 0 THEN not_before WHEN $8 IS NULL THEN now() + make_interval(secs => $9) END,
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
    let rules = moves(what.event, what.rules);
    if rules.len() > 1 {
        lock(tx, what).await?;
    }
    for rule in rules {
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
                &what.event.is_progress(),
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

/// Keeps everybody else from the commands that an event is about, until the transaction ends. In the order of the devices, as
/// every transaction does.
async fn lock(tx: &Tx<'_>, what: &Happening<'_>) -> Result<(), StoreError> {
    const SQL: &str = "/* commands::lock */ SELECT count(*) FROM (SELECT FROM commands
        WHERE job_id = $1 AND device_id = ANY($2) AND ($3::smallint IS NULL OR attempt = $3)
        ORDER BY device_id FOR NO KEY UPDATE) locked";
    sql::query_one(tx, SQL, &[&what.job.0, &what.devices, &what.attempt]).await?;
    Ok(())
}
