//! The oracle: what must hold of every job at any moment, and which rows break it.

use drover_domain::{ApplicationId, CommandState, JobId};

use crate::{GenericClient, StoreError, failures::failure_code, sql};

/// A rule that some rows break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// The job.
    pub job: JobId,
    /// How many rows break it.
    pub count: i64,
    /// Some of them, readable.
    pub examples: Vec<String>,
}

/// The rules, each a query over one job ($1) that names the offenders.
const RULES: [(&str, &str); 10] = [
    (
        "every device that was asked for and planned has a command",
        // A push passes devices by that need nothing of it.
        "/* check::audience */ SELECT 'device ' || u.id FROM jobs j, audiences a, unnest(a.device_ids) AS u (id)
         WHERE j.id = $1 AND j.kind <> 'push' AND a.job_id = $1 AND u.id <= a.planned_to
           AND NOT EXISTS (SELECT FROM commands c WHERE c.job_id = $1 AND c.device_id = u.id)",
    ),
    (
        "an ended command has exactly one outcome, that of its last attempt",
        "/* check::terminal */ SELECT 'device ' || c.device_id || ' ' || c.state || ' attempt ' || c.attempt || ' outcome ' || COALESCE(o.outcome, 'none')
         FROM commands c LEFT JOIN outcomes o ON o.job_id = c.job_id AND o.device_id = c.device_id AND o.attempt = c.attempt
         WHERE c.job_id = $1 AND c.finished_at IS NOT NULL AND o.outcome IS DISTINCT FROM c.state",
    ),
    (
        "a command under way has no outcome for its present attempt",
        "/* check::open */ SELECT 'device ' || c.device_id || ' ' || c.state || ' attempt ' || c.attempt
         FROM commands c JOIN outcomes o ON o.job_id = c.job_id AND o.device_id = c.device_id AND o.attempt >= c.attempt
         WHERE c.job_id = $1 AND c.finished_at IS NULL",
    ),
    (
        "every ended attempt has exactly one outcome",
        "/* check::attempts */ SELECT 'device ' || c.device_id || ' attempt ' || c.attempt || ' outcomes ' || count(o.attempt)
         FROM commands c LEFT JOIN outcomes o ON o.job_id = c.job_id AND o.device_id = c.device_id
         WHERE c.job_id = $1 GROUP BY c.job_id, c.device_id
         HAVING count(o.attempt) <> c.attempt - CASE WHEN c.finished_at IS NULL THEN 1 ELSE 0 END",
    ),
    (
        "an outcome belongs to a command",
        "/* check::orphans */ SELECT 'device ' || o.device_id || ' attempt ' || o.attempt FROM outcomes o
         WHERE o.job_id = $1 AND NOT EXISTS (SELECT FROM commands c WHERE c.job_id = $1 AND c.device_id = o.device_id)",
    ),
    (
        "the tallies equal the rows",
        "/* check::tallies */ SELECT COALESCE(t.state, c.state) || ': tally ' || COALESCE(t.count, 0) || ', rows ' || COALESCE(c.count, 0)
         FROM (SELECT state, sum(count) AS count FROM job_tallies WHERE job_id = $1 GROUP BY state) t
         FULL JOIN (SELECT state, count(*) AS count FROM commands WHERE job_id = $1 GROUP BY state) c USING (state)
         WHERE COALESCE(t.count, 0) <> COALESCE(c.count, 0)",
    ),
    (
        "the tallies of failures equal the outcomes that are none of success",
        // What a shard has no room for it counts under '*', so a code may have fewer there, and never more. Jobs that are older
        // than the tallies had attempts that ended while nobody counted.
        concat!(
            "/* check::failure_tallies */ WITH told AS (
                 SELECT outcome, attempt, code, sum(count) AS count FROM failure_tallies WHERE job_id = $1 GROUP BY 1, 2, 3),
             ended AS (
                 SELECT outcome, attempt, ",
            failure_code!("code"),
            " AS code, count(*) AS count FROM outcomes WHERE job_id = $1 AND outcome <> 'succeeded' GROUP BY 1, 2, 3)
             SELECT outcome || ' attempt ' || attempt || ': tally ' || COALESCE(t.count, 0) || ', outcomes ' || COALESCE(e.count, 0)
             FROM (SELECT outcome, attempt, sum(count) AS count FROM told GROUP BY 1, 2) t
             FULL JOIN (SELECT outcome, attempt, sum(count) AS count FROM ended GROUP BY 1, 2) e USING (outcome, attempt)
             WHERE COALESCE(t.count, 0) <> COALESCE(e.count, 0)
               AND EXISTS (SELECT FROM jobs WHERE id = $1 AND created_at >
                   (SELECT applied_on::timestamptz FROM refinery_schema_history WHERE version = 12))
             UNION ALL
             SELECT outcome || ' attempt ' || attempt || ' code ' || code || ': tally ' || t.count || ', outcomes ' || COALESCE(e.count, 0)
             FROM told t LEFT JOIN ended e USING (outcome, attempt, code)
             WHERE code <> '*' AND t.count > COALESCE(e.count, 0)"
        ),
    ),
    (
        "an open deadline is covered by a timer that fires no later",
        // Timers over ranges come from chunks, which hardly overlap: the few that begin nearest below a device can cover it.
        "/* check::timers */ WITH listed AS (
             SELECT u.device_id, min(t.fire_at) AS fire_at FROM timers t, unnest(t.device_ids) AS u (device_id)
             WHERE t.job_id = $1 GROUP BY u.device_id)
         SELECT 'device ' || c.device_id || ' ' || c.state FROM commands c LEFT JOIN listed USING (device_id)
         WHERE c.job_id = $1 AND c.deadline_at IS NOT NULL AND (listed.fire_at <= c.deadline_at) IS NOT TRUE
           AND NOT EXISTS (
             SELECT FROM (SELECT last_device, fire_at FROM timers
                 WHERE job_id = $1 AND first_device <= c.device_id AND device_ids IS NULL
                 ORDER BY first_device DESC LIMIT 16) t
             WHERE t.last_device >= c.device_id AND t.fire_at <= c.deadline_at)",
    ),
    (
        "the newest push of what a device has, or is to have, is no older than this one's command",
        "/* check::newest */ SELECT 'device ' || c.device_id FROM jobs j JOIN commands c ON c.job_id = j.id
         LEFT JOIN app_installs i ON i.application_id = j.application_id AND i.device_id = c.device_id
         LEFT JOIN restriction_installs r ON r.restriction_id = j.restriction_id AND r.device_id = c.device_id
         WHERE j.id = $1 AND j.kind = 'push' AND COALESCE(i.job_id, r.job_id) < j.id",
    ),
    (
        "a completed job has no open command",
        "/* check::completed */ SELECT 'device ' || c.device_id || ' ' || c.state FROM commands c JOIN jobs j ON j.id = c.job_id
         WHERE c.job_id = $1 AND j.state = 'completed' AND c.finished_at IS NULL",
    ),
];

/// The rules of applications, each a query over one application ($1) that names the offenders.
const APPLICATION_RULES: [(&str, &str); 2] = [
    (
        "the tallies of an application equal the rows",
        "/* check::app_tallies */ SELECT 'tally ' || t.pushed || ' pushed ' || t.installed || ' installed, rows ' || i.pushed || ' and ' || i.installed
         FROM (SELECT COALESCE(sum(pushed), 0) AS pushed, COALESCE(sum(installed), 0) AS installed FROM app_tallies
             WHERE application_id = $1) t,
         (SELECT count(*) AS pushed, count(*) FILTER (WHERE is_installed) AS installed FROM app_installs
             WHERE application_id = $1) i
         WHERE (t.pushed, t.installed) <> (i.pushed, i.installed)
           AND NOT EXISTS (SELECT FROM applications WHERE id = $1 AND removing_at IS NOT NULL)",
    ),
    (
        "what a device has, or is to have, names a push with a command for it",
        "/* check::app_installs */ SELECT 'device ' || i.device_id || ' job ' || i.job_id FROM app_installs i
         WHERE i.application_id = $1
           AND NOT EXISTS (SELECT FROM commands c WHERE c.job_id = i.job_id AND c.device_id = i.device_id)",
    ),
];

/// Examples shown of one rule's offenders.
const EXAMPLES: i64 = 20;

/// Jobs after `after`, by id, `limit` at most.
pub async fn jobs(client: &impl GenericClient, after: JobId, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* check::jobs */ SELECT id FROM jobs WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(sql::query(client, SQL, &[&after.0, &limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Applications after `after`, by id, `limit` at most, each with the newest push of it: those that were pushed.
pub async fn applications(
    client: &impl GenericClient,
    after: ApplicationId,
    limit: i64,
) -> Result<Vec<(ApplicationId, JobId)>, StoreError> {
    const SQL: &str = "/* check::applications */ SELECT a.id, j.id FROM applications a CROSS JOIN LATERAL (
            SELECT id FROM jobs WHERE application_id = a.id ORDER BY id DESC LIMIT 1) j
        WHERE a.id > $1 ORDER BY a.id LIMIT $2";
    let found = sql::query(client, SQL, &[&after.0, &limit]).await?;
    Ok(found.iter().map(|row| (ApplicationId(row.get(0)), JobId(row.get(1)))).collect())
}

/// What of an application breaks a rule, under the name of its newest push. Run it as [`job`].
pub async fn application(
    client: &impl GenericClient,
    application: ApplicationId,
    newest: JobId,
) -> Result<Vec<Violation>, StoreError> {
    broken(client, &APPLICATION_RULES, application.0, newest).await
}

/// What of a job breaks a rule. Run it in one repeatable-read transaction: the rules compare tables with each other. A large
/// job takes as long as it takes.
pub async fn job(client: &impl GenericClient, job: JobId) -> Result<Vec<Violation>, StoreError> {
    broken(client, &RULES, job.0, job).await
}

async fn broken(
    client: &impl GenericClient,
    rules: &[(&'static str, &'static str)],
    id: i64,
    job: JobId,
) -> Result<Vec<Violation>, StoreError> {
    client.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let mut violations = Vec::new();
    for (rule, offenders) in rules.iter().copied() {
        // Built from constants, so it is not kept in the statement cache under a name of its own.
        let counted = format!(
            "WITH offenders (who) AS ({offenders}) SELECT count(*), ARRAY(SELECT who FROM offenders LIMIT {EXAMPLES}) FROM offenders"
        );
        let row = client.query_one(&counted, &[&id]).await?;
        let count: i64 = row.get(0);
        if count > 0 {
            violations.push(Violation { rule, job, count, examples: row.get(1) });
        }
    }
    Ok(violations)
}

/// A job's outcomes and open commands, for the report of the oracle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Commands.
    pub devices: i64,
    /// Ended commands.
    pub terminal: i64,
    /// Commands under way.
    pub open: i64,
}

/// Counts a job's commands row by row.
pub async fn totals(client: &impl GenericClient, job: JobId) -> Result<Totals, StoreError> {
    const SQL: &str =
        "/* check::totals */ SELECT count(*), count(*) FILTER (WHERE state = ANY($2)) FROM commands WHERE job_id = $1";
    let terminal: Vec<&str> =
        CommandState::ALL.into_iter().filter(|state| state.is_terminal()).map(CommandState::as_str).collect();
    let row = sql::query_one(client, SQL, &[&job.0, &terminal]).await?;
    let (devices, terminal) = (row.get(0), row.get(1));
    Ok(Totals { devices, terminal, open: devices - terminal })
}
