//! How many commands of a job are in which state, and how many devices have an application, without counting them.

use std::collections::BTreeMap;

use drover_domain::{ApplicationId, CommandState, JobId, Outcome, StateCounts};

use crate::{
    GenericClient, StoreError, Tx,
    failures::{self, FailureKey},
    rows, sql,
};

/// Rows a job and state are spread over.
pub const SHARDS: u16 = 16;

/// What a transaction changed, to be written once, last: the rows are shared with other transactions until commit.
#[derive(Debug, Default)]
pub struct Tally {
    commands: BTreeMap<(JobId, CommandState), i64>,
    /// Devices that an application was pushed to, and that have it.
    installs: BTreeMap<ApplicationId, (i64, i64)>,
    /// Attempts that did not succeed.
    failures: BTreeMap<FailureKey, i64>,
}

impl Tally {
    /// Notes `count` new commands in `state`.
    pub fn enter(&mut self, job: JobId, state: CommandState, count: i64) {
        *self.commands.entry((job, state)).or_default() += count;
    }

    /// Notes one command's way from one state to another.
    pub fn shift(&mut self, job: JobId, from: CommandState, to: CommandState) {
        self.enter(job, from, -1);
        self.enter(job, to, 1);
    }

    /// Notes `count` devices more that an application was pushed to.
    pub fn note_pushed(&mut self, application: ApplicationId, count: i64) {
        self.installs.entry(application).or_default().0 += count;
    }

    /// Notes `count` devices more, or less, that have an application.
    pub fn note_installed(&mut self, application: ApplicationId, count: i64) {
        self.installs.entry(application).or_default().1 += count;
    }

    /// Notes an attempt that ended without success.
    pub fn note_failure(&mut self, job: JobId, outcome: Outcome, code: Option<&str>, attempt: i16) {
        *self.failures.entry(FailureKey::new(job, outcome, code, attempt)).or_default() += 1;
    }

    /// Writes the changes: those of applications first and those of commands last, as every transaction does.
    pub async fn write(self, tx: &Tx<'_>, shard: i16) -> Result<(), StoreError> {
        write_installs(tx, shard, self.installs).await?;
        failures::write(tx, shard, self.failures).await?;
        write_commands(tx, shard, self.commands).await
    }
}

async fn write_installs(
    tx: &Tx<'_>,
    shard: i16,
    changes: BTreeMap<ApplicationId, (i64, i64)>,
) -> Result<(), StoreError> {
    const SQL: &str = "/* tallies::write installs */ INSERT INTO app_tallies (application_id, shard, pushed, installed)
        SELECT id, $1, pushed, installed FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS t (id, pushed, installed)
        ORDER BY id
        ON CONFLICT (application_id, shard) DO UPDATE
            SET pushed = app_tallies.pushed + excluded.pushed, installed = app_tallies.installed + excluded.installed";
    let changes: Vec<_> = changes.into_iter().filter(|(_, change)| *change != (0, 0)).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = changes.iter().map(|(id, _)| id.0).collect();
    let (pushed, installed): (Vec<i64>, Vec<i64>) = changes.iter().map(|(_, change)| *change).unzip();
    sql::execute(tx, SQL, &[&shard, &ids, &pushed, &installed]).await?;
    Ok(())
}

async fn write_commands(
    tx: &Tx<'_>,
    shard: i16,
    changes: BTreeMap<(JobId, CommandState), i64>,
) -> Result<(), StoreError> {
    const SQL: &str = "/* tallies::write */ INSERT INTO job_tallies (job_id, shard, state, count)
        SELECT job_id, $1, state, count FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS t (job_id, state, count)
        ORDER BY job_id, state
        ON CONFLICT (job_id, shard, state) DO UPDATE SET count = job_tallies.count + excluded.count";
    let changes: Vec<_> = changes.into_iter().filter(|(_, count)| *count != 0).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let jobs: Vec<i64> = changes.iter().map(|((job, _), _)| job.0).collect();
    let states: Vec<&str> = changes.iter().map(|((_, state), _)| state.as_str()).collect();
    let counts: Vec<i64> = changes.iter().map(|(_, count)| *count).collect();
    sql::execute(tx, SQL, &[&shard, &jobs, &states, &counts]).await?;
    Ok(())
}

/// Devices that an application was pushed to, and devices that have it.
pub async fn of_application(client: &impl GenericClient, application: ApplicationId) -> Result<(i64, i64), StoreError> {
    const SQL: &str = "/* tallies::of_application */ SELECT COALESCE(sum(pushed), 0)::bigint,
        COALESCE(sum(installed), 0)::bigint FROM app_tallies WHERE application_id = $1";
    let row = sql::query_one(client, SQL, &[&application.0]).await?;
    Ok((row.get(0), row.get(1)))
}

/// How many commands of a job are in each state; states without any are left out.
pub async fn of_job(client: &impl GenericClient, job: JobId) -> Result<BTreeMap<CommandState, i64>, StoreError> {
    const SQL: &str = "/* tallies::of_job */ SELECT state, sum(count)::bigint FROM job_tallies
        WHERE job_id = $1 GROUP BY state HAVING sum(count) <> 0";
    let found = sql::query(client, SQL, &[&job.0]).await?;
    found.iter().map(|row| Ok((rows::state(row, "state")?, row.get(1)))).collect()
}

/// Commands by state, of jobs; those without commands are left out.
pub async fn of_jobs(client: &impl GenericClient, jobs: &[i64]) -> Result<BTreeMap<JobId, StateCounts>, StoreError> {
    const SQL: &str = "/* tallies::of_jobs */ SELECT j.id, t.state, t.count FROM unnest($1::bigint[]) AS j (id)
        CROSS JOIN LATERAL (SELECT state, sum(count)::bigint AS count FROM job_tallies WHERE job_id = j.id
            GROUP BY state OFFSET 0) t";
    let mut counts: BTreeMap<JobId, StateCounts> = BTreeMap::new();
    for row in sql::query(client, SQL, &[&jobs]).await? {
        counts.entry(JobId(row.get("id"))).or_default().add(rows::state(&row, "state")?, row.get("count"));
    }
    Ok(counts)
}
