//! Why attempts did not succeed, counted by those who record it: over shards, as [`crate::tallies`].

use std::collections::BTreeMap;

use drover_domain::{JobId, Outcome};

use crate::{GenericClient, StoreError, Tx, rows, sql};

/// Rows that a job has in one shard. What comes beyond is counted under [`OTHERS`]: a fleet may make up codes without end.
const ROWS_MAX: i64 = 1000;
/// The longest code that is counted for itself, in characters.
const CODE_MAX_CHARS: usize = 64;
/// Stands for the codes that there is no room for.
pub const OTHERS: &str = "*";

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FailureKey {
    job: JobId,
    outcome: &'static str,
    code: String,
    attempt: i16,
}

impl FailureKey {
    pub(crate) fn new(job: JobId, outcome: Outcome, code: Option<&str>, attempt: i16) -> Self {
        Self { job, outcome: outcome.as_str(), code: code.map(code_of).unwrap_or_default(), attempt }
    }
}

/// The code under which a device's own is counted: what is shown and searched by has no control characters.
pub fn code_of(code: &str) -> String {
    code.chars().filter(|c| !c.is_control()).take(CODE_MAX_CHARS).collect()
}

/// [`code_of`] of the column `$code`, which may be NULL.
macro_rules! failure_code {
    ($code:literal) => {
        concat!(
            "left(translate(COALESCE(",
            $code,
            ", ''), E'\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\\x10\\x11\\x12\\x13\\x14\\x15\\x16\\x17",
            "\\x18\\x19\\x1a\\x1b\\x1c\\x1d\\x1e\\x1f\\x7f\\u0080\\u0081\\u0082\\u0083\\u0084\\u0085\\u0086\\u0087\\u0088\\u0089\\u008a\\u008b",
            "\\u008c\\u008d\\u008e\\u008f\\u0090\\u0091\\u0092\\u0093\\u0094\\u0095\\u0096\\u0097\\u0098\\u0099\\u009a\\u009b\\u009c\\u009d",
            "\\u009e\\u009f', ''), 64)"
        )
    };
}
pub(crate) use failure_code;

/// Adds to the counts of one shard. A row that is there grows; a new one is made while there is room.
pub(crate) async fn write(tx: &Tx<'_>, shard: i16, changes: BTreeMap<FailureKey, i64>) -> Result<(), StoreError> {
    const SQL: &str = "/* failures::write */ WITH noted AS MATERIALIZED (
            SELECT n.*, (SELECT true FROM failure_tallies t WHERE t.job_id = n.job_id AND t.shard = $1
                AND t.outcome = n.outcome AND t.code = n.code AND t.attempt = n.attempt) IS NOT NULL AS is_known
            FROM unnest($2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::bigint[])
                AS n (job_id, outcome, code, attempt, count)),
        room AS MATERIALIZED (
            SELECT job_id, $7 - (SELECT count(*) FROM (SELECT FROM failure_tallies t
                WHERE t.job_id = j.job_id AND t.shard = $1 LIMIT $7) held) AS rows
            FROM (SELECT DISTINCT job_id FROM noted WHERE NOT is_known) j),
        placed AS (
            SELECT n.*, is_known OR row_number() OVER (PARTITION BY n.job_id, is_known ORDER BY n.count DESC) <= rows AS is_kept
            FROM noted n LEFT JOIN room ON room.job_id = n.job_id)
        INSERT INTO failure_tallies (job_id, shard, outcome, code, attempt, count)
        SELECT job_id, $1, outcome, CASE WHEN is_kept THEN code ELSE '*' END AS kept, attempt, sum(count)::bigint FROM placed
        GROUP BY job_id, outcome, kept, attempt ORDER BY job_id, outcome, kept, attempt
        ON CONFLICT (job_id, shard, outcome, code, attempt) DO UPDATE SET count = failure_tallies.count + excluded.count";
    if changes.is_empty() {
        return Ok(());
    }
    let jobs: Vec<i64> = changes.keys().map(|key| key.job.0).collect();
    let outcomes: Vec<&str> = changes.keys().map(|key| key.outcome).collect();
    let codes: Vec<&str> = changes.keys().map(|key| key.code.as_str()).collect();
    let attempts: Vec<i16> = changes.keys().map(|key| key.attempt).collect();
    let counts: Vec<i64> = changes.values().copied().collect();
    sql::execute(tx, SQL, &[&shard, &jobs, &outcomes, &codes, &attempts, &counts, &ROWS_MAX]).await?;
    Ok(())
}

/// Attempts of a job that did not succeed, ended in one way and for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason {
    /// How they ended.
    pub outcome: Outcome,
    /// The devices' code: empty where there was none, [`OTHERS`] for those that there was no room for.
    pub code: String,
    /// How many.
    pub count: i64,
    /// Of these, how many were the first try of their command, the second, …: tries and counts, ascending.
    pub by_attempt: Vec<(i16, i64)>,
}

/// Why attempts of a job did not succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// The most frequent reasons.
    pub reasons: Vec<FailureReason>,
    /// Attempts that did not succeed, for these reasons and all others.
    pub total: i64,
}

impl Failures {
    /// Attempts that did not succeed for reasons that are not among the most frequent.
    pub fn rest(&self) -> i64 {
        self.total - self.reasons.iter().map(|reason| reason.count).sum::<i64>()
    }
}

/// Why attempts of jobs did not succeed, by job: the most frequent reasons first, `limit` of a job at most, what had no room
/// at the end. Reads what the jobs have of tallies: `ROWS_MAX` a shard at the very most, and a few in truth.
pub async fn of_jobs(
    client: &impl GenericClient,
    jobs: &[i64],
    limit: i64,
) -> Result<BTreeMap<JobId, Failures>, StoreError> {
    const SQL: &str =
        "/* failures::of_jobs */ SELECT j.id AS job_id, f.* FROM unnest($1::bigint[]) AS j (id) CROSS JOIN LATERAL (
            SELECT outcome, code, sum(count)::bigint AS count, array_agg(attempt ORDER BY attempt) AS attempts,
                array_agg(count ORDER BY attempt) AS counts, sum(sum(count)) OVER ()::bigint AS total
            FROM (SELECT outcome, code, attempt, sum(count)::bigint AS count FROM failure_tallies
                WHERE job_id = j.id GROUP BY outcome, code, attempt) told
            GROUP BY outcome, code ORDER BY code = '*', sum(count) DESC, outcome, code LIMIT $2) f";
    let mut found: BTreeMap<JobId, Failures> = BTreeMap::new();
    for row in sql::query(client, SQL, &[&jobs, &limit]).await? {
        let (attempts, counts): (Vec<i16>, Vec<i64>) = (row.get("attempts"), row.get("counts"));
        let failures = found.entry(JobId(row.get("job_id"))).or_default();
        failures.total = row.get("total");
        failures.reasons.push(FailureReason {
            outcome: rows::word(&row, "outcome", Outcome::parse)?,
            code: row.get("code"),
            count: row.get("count"),
            by_attempt: attempts.into_iter().zip(counts).collect(),
        });
    }
    Ok(found)
}

/// Why attempts of a job did not succeed, as [`of_jobs`] says it.
pub async fn of_job(client: &impl GenericClient, job: JobId, limit: i64) -> Result<Failures, StoreError> {
    Ok(of_jobs(client, &[job.0], limit).await?.remove(&job).unwrap_or_default())
}
