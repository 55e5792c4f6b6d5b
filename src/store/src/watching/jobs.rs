//! The list of jobs, newest first.
//!
//! Each statement walks a bounded number of jobs, whatever it finds among them; LATERAL with OFFSET keeps look-ups what they
//! are when statistics are old.

use chrono::{DateTime, Utc};
use drover_domain::{JobId, JobKind, JobState, PushAction, StateCounts, TenantId};
use tokio_postgres::Row;

use crate::{
    GenericClient, StoreError,
    people::reach::{Reach, within_reach},
    rows, sql, tallies,
};

/// Jobs that one page looks at before it says that it found no more so far.
pub const WALK: i64 = 20_000;

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobSearch {
    /// Those that do this.
    pub kind: Option<JobKind>,
    /// Those that stand here.
    pub state: Option<JobState>,
    /// Those of this tenant.
    pub tenant: Option<TenantId>,
    /// Those whose name contains this, whatever the case.
    pub text: Option<String>,
}

/// A job, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Their name.
    pub tenant_name: String,
    /// What it does.
    pub kind: JobKind,
    /// What a push does.
    pub push_action: Option<PushAction>,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// What it brings, or takes away: firmware, a version of a client, an application, a list. For people to read.
    pub brings: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it starts by itself.
    pub start_at: Option<DateTime<Utc>>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its commands by state.
    pub counts: StateCounts,
}

/// Columns of [`summary`], of jobs `j` with what `summary_joins` adds.
macro_rules! summary_columns {
    () => {
        "j.id, j.tenant_id, w.name AS tenant_name, j.kind, j.push_action, j.name, j.state, j.created_by, j.created_at,
            j.start_at, j.started_at, j.expires_at, j.finished_at,
            trim(COALESCE(f.name || ' ' || f.version, v.package_name || ' ' || v.version_name,
                a.name || ' ' || COALESCE(r.version_name, ''), l.name, '')) AS brings"
    };
}

/// What jobs `j` bring, and whose they are.
macro_rules! summary_joins {
    () => {
        " LEFT JOIN LATERAL (SELECT name FROM tenants WHERE id = j.tenant_id OFFSET 0) w ON true
        LEFT JOIN LATERAL (SELECT name, version FROM firmwares WHERE id = j.firmware_id OFFSET 0) f ON true
        LEFT JOIN LATERAL (SELECT package_name, version_name FROM client_versions WHERE id = j.client_version_id OFFSET 0) v ON true
        LEFT JOIN LATERAL (SELECT name FROM applications WHERE id = j.application_id OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT version_name FROM app_releases WHERE id = j.release_id OFFSET 0) r ON true
        LEFT JOIN LATERAL (SELECT name FROM restrictions WHERE id = j.restriction_id OFFSET 0) l ON true "
    };
}

fn summary(row: &Row) -> Result<JobSummary, StoreError> {
    Ok(JobSummary {
        id: JobId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        tenant_name: row.get("tenant_name"),
        kind: rows::word(row, "kind", JobKind::parse)?,
        push_action: rows::optional_word(row, "push_action", PushAction::parse)?,
        name: row.get("name"),
        state: rows::word(row, "state", JobState::parse)?,
        brings: row.get("brings"),
        created_by: row.get("created_by"),
        created_at: row.get("created_at"),
        start_at: row.get("start_at"),
        started_at: row.get("started_at"),
        expires_at: row.get("expires_at"),
        finished_at: row.get("finished_at"),
        counts: StateCounts::default(),
    })
}

/// The page of jobs `$source`.
macro_rules! page {
    ($source:literal) => {
        concat!(
            "/* watching::jobs::page */ SELECT ",
            summary_columns!(),
            " FROM (SELECT walked.* FROM (SELECT * FROM jobs WHERE ",
            $source,
            " AND id < $5 AND deleted_at IS NULL ORDER BY id DESC LIMIT $6) walked
            LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = walked.organisation_id OFFSET 0) o ON true
            WHERE ",
            within_reach!("walked"),
            " AND ($4::bigint IS NULL OR walked.tenant_id = $4) AND ($8::text IS NULL OR walked.kind = $8)
            AND ($9::text IS NULL OR walked.state = $9)
            AND ($10::text IS NULL OR strpos(lower(walked.name), lower($10)) > 0)
            ORDER BY walked.id DESC LIMIT $7) j",
            summary_joins!(),
            "ORDER BY j.id DESC"
        )
    };
}

/// Where the walk over jobs `$source` ends.
macro_rules! end {
    ($source:literal) => {
        concat!(
            "/* watching::jobs::end */ SELECT min(id), count(*) FROM (SELECT id FROM jobs WHERE ",
            $source,
            " AND id < $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2) walked"
        )
    };
}

/// Jobs within reach before `before`, newest first, `limit` at most; and before which to go on, if there may be more.
pub async fn page(
    client: &impl GenericClient,
    reach: &Reach,
    search: &JobSearch,
    before: i64,
    limit: i64,
) -> Result<(Vec<JobSummary>, Option<i64>), StoreError> {
    const ALL: &str = page!("true");
    const OF_TENANT: &str = page!("tenant_id = $4");
    const ACTIVE: &str = page!("state IN ('scheduled', 'running', 'paused')");
    let part = reach.parameters();
    let tenant = search.tenant.map(|tenant| tenant.0).or(part.tenant);
    let way = Way::of(search.state, tenant);
    let list = match way {
        Way::All => ALL,
        Way::OfTenant(_) => OF_TENANT,
        Way::Active => ACTIVE,
    };
    let (kind, state) = (search.kind.map(JobKind::as_str), search.state.map(JobState::as_str));
    let found = sql::query(
        client,
        list,
        &[&part.tenant, &part.first, &part.end, &tenant, &before, &WALK, &limit, &kind, &state, &search.text],
    )
    .await?;
    let mut jobs = found.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
    count(client, &mut jobs).await?;
    if i64::try_from(jobs.len()).is_ok_and(|found| found >= limit) {
        let next = jobs.last().map(|job| job.id.0);
        return Ok((jobs, next));
    }
    Ok((jobs, end(client, way, before).await?))
}

/// How the jobs of a page are walked.
#[derive(Debug, Clone, Copy)]
enum Way {
    All,
    OfTenant(i64),
    /// There are few, however many have ended.
    Active,
}

impl Way {
    fn of(state: Option<JobState>, tenant: Option<i64>) -> Self {
        match (state, tenant) {
            (Some(JobState::Scheduled | JobState::Running | JobState::Paused), _) => Self::Active,
            (_, Some(tenant)) => Self::OfTenant(tenant),
            (_, None) => Self::All,
        }
    }
}

/// Where a walk that found too little ended; `None`: with the oldest job.
async fn end(client: &impl GenericClient, way: Way, before: i64) -> Result<Option<i64>, StoreError> {
    const ALL: &str = end!("true");
    const OF_TENANT: &str = end!("tenant_id = $3");
    const ACTIVE: &str = end!("state IN ('scheduled', 'running', 'paused')");
    let row = match way {
        Way::All => sql::query_one(client, ALL, &[&before, &WALK]).await?,
        Way::OfTenant(tenant) => sql::query_one(client, OF_TENANT, &[&before, &WALK, &tenant]).await?,
        Way::Active => sql::query_one(client, ACTIVE, &[&before, &WALK]).await?,
    };
    Ok(row.get::<_, Option<i64>>(0).filter(|_| row.get::<_, i64>(1) >= WALK))
}

/// One job within reach, unless it was deleted.
pub async fn get(client: &impl GenericClient, reach: &Reach, id: JobId) -> Result<Option<JobSummary>, StoreError> {
    const SQL: &str = concat!(
        "/* watching::jobs::get */ SELECT ",
        summary_columns!(),
        " FROM jobs j LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = j.organisation_id OFFSET 0) o ON true",
        summary_joins!(),
        "WHERE j.id = $4 AND j.deleted_at IS NULL AND ",
        within_reach!("j")
    );
    let part = reach.parameters();
    let found = sql::query_opt(client, SQL, &[&part.tenant, &part.first, &part.end, &id.0]).await?;
    let mut jobs = found.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
    count(client, &mut jobs).await?;
    Ok(jobs.pop())
}

/// Counts the commands of jobs.
async fn count(client: &impl GenericClient, jobs: &mut [JobSummary]) -> Result<(), StoreError> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.id.0).collect();
    let counts = tallies::of_jobs(client, &ids).await?;
    for job in jobs {
        job.counts = counts.get(&job.id).copied().unwrap_or_default();
    }
    Ok(())
}
