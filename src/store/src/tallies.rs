//! How many commands of a job are in which state, without counting them.

use std::collections::BTreeMap;

use drover_domain::{CommandState, JobId};

use crate::{GenericClient, StoreError, Tx, rows, sql};

/// Rows a job and state are spread over.
pub const SHARDS: u16 = 16;

/// What a transaction changed, to be written once, last: the rows are shared with other transactions until commit.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<(JobId, CommandState), i64>);

impl Tally {
    /// Notes `count` new commands in `state`.
    pub fn enter(&mut self, job: JobId, state: CommandState, count: i64) {
        *self.0.entry((job, state)).or_default() += count;
    }

    /// Notes one command's way from one state to another.
    pub fn shift(&mut self, job: JobId, from: CommandState, to: CommandState) {
        self.enter(job, from, -1);
        self.enter(job, to, 1);
    }

    /// Writes the changes.
    pub async fn write(self, tx: &Tx<'_>, shard: i16) -> Result<(), StoreError> {
        const SQL: &str = "/* tallies::write */ INSERT INTO job_tallies (job_id, shard, state, count)
            SELECT job_id, $1, state, count FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS t (job_id, state, count)
            ORDER BY job_id, state
            ON CONFLICT (job_id, shard, state) DO UPDATE SET count = job_tallies.count + excluded.count";
        let changes: Vec<_> = self.0.into_iter().filter(|(_, count)| *count != 0).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let jobs: Vec<i64> = changes.iter().map(|((job, _), _)| job.0).collect();
        let states: Vec<&str> = changes.iter().map(|((_, state), _)| state.as_str()).collect();
        let counts: Vec<i64> = changes.iter().map(|(_, count)| *count).collect();
        sql::execute(tx, SQL, &[&shard, &jobs, &states, &counts]).await?;
        Ok(())
    }
}

/// How many commands of a job are in each state; states without any are left out.
pub async fn of_job(client: &impl GenericClient, job: JobId) -> Result<BTreeMap<CommandState, i64>, StoreError> {
    const SQL: &str = "/* tallies::of_job */ SELECT state, sum(count)::bigint FROM job_tallies
        WHERE job_id = $1 GROUP BY state HAVING sum(count) <> 0";
    let found = sql::query(client, SQL, &[&job.0]).await?;
    found.iter().map(|row| Ok((rows::state(row, "state")?, row.get(1)))).collect()
}
