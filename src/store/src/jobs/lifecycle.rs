//! How a job moves.

use chrono::{DateTime, Utc};
use drover_domain::{JobEvent, JobId, JobState};

use crate::{GenericClient, StoreError, Tx, sql};

/// Moves a job; the guard is generated from [`JobState::after`]. Starting opens the gate for its commands and sets its
/// clock, but that of a distribution to come is set by the time it is to start: it rests on an offer that does not wait for
/// it. Cancelling sends the planner over the commands from the first; so does resuming, and pausing for the time when the job's
/// time is over. Returns whether the event was allowed.
pub async fn apply(
    client: &impl GenericClient,
    id: JobId,
    event: JobEvent,
    start_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* jobs::apply */ UPDATE jobs SET state = $2, updated_at = now(),
        start_at = COALESCE($4, start_at),
        started_at = CASE WHEN $5 THEN now() ELSE started_at END,
        expires_at = CASE WHEN kind = 'distribute' AND COALESCE($4, start_at) IS NOT NULL AND NOT $6
                THEN COALESCE($4, start_at) + make_interval(secs => job_timeout_s)
            WHEN $5 OR $6 THEN now() + make_interval(secs => job_timeout_s) ELSE expires_at END,
        released_to = CASE WHEN $5 OR $8 THEN 0 WHEN NOT $7 THEN released_to END,
        resumed_at = CASE WHEN $9 THEN now() ELSE resumed_at END,
        finished_at = CASE WHEN $7 THEN now() END
        WHERE id = $1 AND state = ANY($3)";
    let Some(target) = JobState::sources(event).next().and_then(|state| state.after(event)) else { return Ok(false) };
    let sources: Vec<&str> = JobState::sources(event).map(JobState::as_str).collect();
    let (starts, reopens) = (event == JobEvent::Start, event == JobEvent::Reopen);
    let resumes = event == JobEvent::Resume;
    let walks = resumes || matches!(event, JobEvent::Cancel | JobEvent::Abort | JobEvent::Pause);
    let moved = sql::execute(
        client,
        SQL,
        &[&id.0, &target.as_str(), &sources, &start_at, &starts, &reopens, &target.is_terminal(), &walks, &resumes],
    )
    .await?;
    Ok(moved == 1)
}

/// Has the time of a job be over at `latest`, if that is sooner.
pub async fn cap_expiry(tx: &Tx<'_>, id: JobId, latest: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::cap_expiry */ UPDATE jobs SET expires_at = LEAST(expires_at, $2) WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &latest]).await?;
    Ok(())
}

/// Remembers how far a job's commands have been released; `None` when all are.
pub async fn set_released_to(tx: &Tx<'_>, id: JobId, released_to: Option<i64>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::set_released_to */ UPDATE jobs SET released_to = $2 WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &released_to]).await?;
    Ok(())
}
