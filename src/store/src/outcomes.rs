//! How attempts ended.

use drover_domain::{CommandId, Outcome};

use crate::{StoreError, Tx, sql, tallies::Tally};

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutcome<'a> {
    /// The command.
    pub command: CommandId,
    /// The attempt, from 1.
    pub attempt: i16,
    /// How it ended.
    pub outcome: Outcome,
    /// The device's result code.
    pub code: Option<&'a str>,
    /// The device's words.
    pub message: Option<&'a str>,
}

/// Records how attempts ended, and notes those that did not succeed in `tally`. The primary key refuses a second outcome of an
/// attempt.
pub async fn insert(tx: &Tx<'_>, outcomes: &[NewOutcome<'_>], tally: &mut Tally) -> Result<(), StoreError> {
    const SQL: &str = "/* outcomes::insert */ INSERT INTO outcomes (job_id, device_id, attempt, outcome, code, message)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::text[])";
    if outcomes.is_empty() {
        return Ok(());
    }
    let jobs: Vec<i64> = outcomes.iter().map(|o| o.command.job.0).collect();
    let devices: Vec<i64> = outcomes.iter().map(|o| o.command.device.0).collect();
    let attempts: Vec<i16> = outcomes.iter().map(|o| o.attempt).collect();
    let names: Vec<&str> = outcomes.iter().map(|o| o.outcome.as_str()).collect();
    let codes: Vec<Option<&str>> = outcomes.iter().map(|o| o.code).collect();
    let messages: Vec<Option<&str>> = outcomes.iter().map(|o| o.message).collect();
    sql::execute(tx, SQL, &[&jobs, &devices, &attempts, &names, &codes, &messages]).await?;
    for outcome in outcomes.iter().filter(|outcome| outcome.outcome != Outcome::Succeeded) {
        tally.note_failure(outcome.command.job, outcome.outcome, outcome.code, outcome.attempt);
    }
    Ok(())
}
