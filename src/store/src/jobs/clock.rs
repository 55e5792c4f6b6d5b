//! Which jobs have something to do now.

use std::time::Duration;

use drover_domain::JobId;

use crate::{GenericClient, StoreError, Tx, sql};

/// Says when the planner is to be called again for a job should nobody have; `None`: there is nothing to plan or release.
pub async fn set_plan_due(tx: &Tx<'_>, id: JobId, after: Option<Duration>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::set_plan_due */ UPDATE jobs SET plan_due_at = now() + make_interval(secs => $2::float8) WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &after.map(|after| after.as_secs_f64())]).await?;
    Ok(())
}

/// Has the planner called when the job's time is over.
pub async fn set_plan_due_at_expiry(tx: &Tx<'_>, id: JobId) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::set_plan_due_at_expiry */ UPDATE jobs SET plan_due_at = expires_at WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0]).await?;
    Ok(())
}

/// Jobs for which the planner is overdue, `limit` at most, locked; each is given `again` until it is overdue once more.
pub async fn plan_overdue(tx: &Tx<'_>, limit: i64, again: Duration) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::plan_overdue */ UPDATE jobs SET plan_due_at = now() + make_interval(secs => $2)
        WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE plan_due_at <= now() ORDER BY plan_due_at LIMIT $1
            FOR NO KEY UPDATE SKIP LOCKED)) RETURNING id";
    let found = sql::query(tx, SQL, &[&limit, &again.as_secs_f64()]).await?;
    Ok(found.iter().map(|row| JobId(row.get(0))).collect())
}

/// Scheduled jobs whose time has come, `limit` at most, locked; those that another timekeeper holds are its own. By tenant: in
/// that order all who move jobs of several change what is published there.
pub async fn due(tx: &Tx<'_>, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::due */ SELECT id FROM (SELECT id, tenant_id FROM jobs
            WHERE state = 'scheduled' AND start_at <= now() ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED) due
        ORDER BY tenant_id, id";
    Ok(sql::query(tx, SQL, &[&limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Jobs after `after` that run, or are held, and have nothing left to plan, release or wait for, `limit` at most. What a held job
/// has yet to release is planned.
pub async fn finished(client: &impl GenericClient, after: JobId, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::finished */ SELECT j.id FROM jobs j
        WHERE j.state IN ('running', 'paused') AND j.kind <> 'publish' AND (j.released_to IS NULL OR j.state = 'paused') AND j.id > $1
        AND NOT EXISTS (SELECT FROM retries r WHERE r.job_id = j.id AND r.finished_at IS NULL)
        AND NOT EXISTS (SELECT FROM audiences a WHERE a.job_id = j.id AND a.planned_at IS NULL)
        AND NOT EXISTS (SELECT FROM job_tallies t WHERE t.job_id = j.id AND t.state = ANY($3)
            GROUP BY t.state HAVING sum(t.count) > 0)
        ORDER BY j.id LIMIT $2";
    let open: Vec<&str> = drover_domain::CommandState::open().map(drover_domain::CommandState::as_str).collect();
    Ok(sql::query(client, SQL, &[&after.0, &limit, &open]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Jobs after `after` that run or have something to plan, `limit` at most: what a broker that kept nothing must be told.
pub async fn unfinished(client: &impl GenericClient, after: JobId, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* jobs::unfinished */ SELECT id FROM (
            SELECT id FROM jobs WHERE state IN ('scheduled', 'running', 'paused') AND kind <> 'publish'
            UNION SELECT job_id FROM audiences WHERE planned_at IS NULL
        ) unfinished WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(sql::query(client, SQL, &[&after.0, &limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}
