//! Commands: the one guarded UPDATE that moves them, and what planner, dispatcher and timekeeper read.
//!
//! Every statement names one job and a range or list of its devices. That keeps to the primary key whatever the
//! statistics say; joining a batch against the table does not (it was seen to scan the whole table per batch).

mod addressees;
mod apply;
mod deadlines;
pub mod inbox;
pub mod list;
pub mod proof;
mod release;

use drover_domain::{CommandState, JobId};

pub use addressees::{Addressee, addressees, to_stop};
pub use apply::{Happening, Moved, apply};
pub use deadlines::{Due, bring_forward, due, hold, lease_again, make_queued_due, make_queued_due_before};
pub use release::{ReleasedChunk, chunk_after, outdated, overtaken, release_chunk};

use crate::{GenericClient, StoreError, sql};

/// Some devices of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Devices {
    /// Everybody from the first to the last, both included.
    Range(i64, i64),
    /// These.
    List(Vec<i64>),
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
