//! The jobs that carry out assignments and take back what they brought.

use drover_domain::{
    ApplicationId, AssignmentId, JobId, OperatorId, OrganisationId, Policy, PushAction, RestrictionId, TenantId,
};

use crate::{
    GenericClient, StoreError, Tx,
    pushing::assignments::Subject,
    records::UnknownWord,
    rows::{self},
    sql,
};

/// A push to be made.
#[derive(Debug, Clone)]
pub struct NewPushJob<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// What it does.
    pub action: PushAction,
    /// What it is about: of an application the release that devices are given now, of a list the revision.
    pub subject: Subject,
    /// What it carries out; of installs and applies alone.
    pub assignment: Option<AssignmentId>,
    /// Its name.
    pub name: &'a str,
    /// How it treats its commands.
    pub policy: Policy,
    /// Who makes it; `None`: Drover itself.
    pub operator: Option<OperatorId>,
    /// The display name of who makes it.
    pub created_by: &'a str,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// The traceparent of the call.
    pub trace_context: &'a str,
}

/// Makes a draft of a push.
pub async fn insert(tx: &Tx<'_>, new: &NewPushJob<'_>) -> Result<JobId, StoreError> {
    macro_rules! insert {
        ($name:literal, $columns:literal, $values:literal, $table:literal) => {
            concat!(
                "/* pushing::pushes::insert ",
                $name,
                " */ INSERT INTO jobs (tenant_id, kind, push_action, assignment_id, name, retry_limit, attempt_timeout_s,
                    job_timeout_s, operator_id, organisation_id, created_by, updated_by, trace_context, ",
                $columns,
                ") SELECT $1, 'push', $2, $3::bigint, $4, $5::smallint, $6::integer, $7::integer, $8::bigint, $9::bigint,
                    $10, $10, $11, ",
                $values,
                " FROM ",
                $table,
                " s WHERE s.id = $12 AND s.tenant_id = $1 RETURNING id"
            )
        };
    }
    const OF_APPLICATION: &str = insert!(
        "application",
        "application_id, package_id, release_id",
        "s.id, s.package_id, CASE $2 WHEN 'install' THEN s.release_id END",
        "applications"
    );
    const OF_RESTRICTION: &str = insert!(
        "restriction",
        "restriction_id, restriction_revision",
        "s.id, CASE $2 WHEN 'apply' THEN s.revision END",
        "restrictions"
    );
    let (statement, subject) = match new.subject {
        Subject::Application(id) => (OF_APPLICATION, id.0),
        Subject::Restriction(id) => (OF_RESTRICTION, id.0),
    };
    let row = sql::query_one(
        tx,
        statement,
        &[
            &new.tenant.0,
            &new.action.as_str(),
            &new.assignment.map(|assignment| assignment.0),
            &new.name,
            &new.policy.retry_limit,
            &new.policy.attempt_timeout_s,
            &new.policy.job_timeout_s,
            &new.operator.map(|operator| operator.0),
            &new.organisation.0,
            &new.created_by,
            &new.trace_context,
            &subject,
        ],
    )
    .await?;
    Ok(JobId(row.get(0)))
}

/// What a push does, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// What it does.
    pub action: PushAction,
    /// What it is about.
    pub subject: Subject,
}

/// Advisory locks of two numbers: a class and a key. Nothing else takes any.
const PACKAGE_LINES: i32 = 1;
const RESTRICTION_LINES: i32 = 2;

/// A push for its planner, which has its line to itself until the transaction ends: of an install and an uninstall of one
/// package that are planned at once, one must see what the other planned. No row is locked for it, as others who lock the
/// application or the list wait for jobs that the planner holds.
pub async fn take_turn(tx: &Tx<'_>, job: JobId) -> Result<Option<Push>, StoreError> {
    const SQL: &str = "/* pushing::pushes::take_turn */ SELECT push_action, application_id, restriction_id, package_id
        FROM jobs WHERE id = $1 AND kind = 'push'";
    const LOCK: &str =
        "/* pushing::pushes::take_turn lock */ SELECT pg_advisory_xact_lock($1, ($2::bigint % 2147483647)::integer)";
    let Some(row) = sql::query_opt(tx, SQL, &[&job.0]).await? else { return Ok(None) };
    let action = rows::word(&row, "push_action", PushAction::parse)?;
    let subject = Subject::of_columns(row.get("application_id"), row.get("restriction_id"));
    let subject = subject.ok_or_else(|| UnknownWord { column: "application_id", word: String::new() })?;
    let (lines, line) = match subject {
        Subject::Application(_) => (PACKAGE_LINES, row.get("package_id")),
        Subject::Restriction(id) => (RESTRICTION_LINES, id.0),
    };
    sql::query_one(tx, LOCK, &[&lines, &line]).await?;
    Ok(Some(Push { action, subject }))
}

/// What speaks against moving a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether what it carries out has been taken back, or replaced.
    pub is_taken_back: bool,
    /// Whether what it is about is being removed, or is gone.
    pub is_removing: bool,
}

/// What speaks against moving a push.
pub async fn standing(client: &impl GenericClient, job: JobId) -> Result<Standing, StoreError> {
    const SQL: &str = "/* pushing::pushes::standing */ SELECT
            COALESCE((SELECT ended_at IS NOT NULL FROM assignments WHERE id = j.assignment_id), false) AS is_taken_back,
            COALESCE((SELECT COALESCE(removing_at, deleted_at) IS NOT NULL FROM applications WHERE id = j.application_id),
                (SELECT COALESCE(removing_at, deleted_at) IS NOT NULL FROM restrictions WHERE id = j.restriction_id), false) AS is_removing
        FROM jobs j WHERE j.id = $1";
    let row = sql::query_one(client, SQL, &[&job.0]).await?;
    Ok(Standing { is_taken_back: row.get("is_taken_back"), is_removing: row.get("is_removing") })
}

/// Pushes of these assignments that have not ended, locked in the order of their ids.
pub async fn lock_open_of(tx: &Tx<'_>, assignments: &[AssignmentId]) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* pushing::pushes::lock_open_of */ SELECT id FROM jobs
        WHERE assignment_id = ANY($1) AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    let ids: Vec<i64> = assignments.iter().map(|assignment| assignment.0).collect();
    Ok(sql::query(tx, SQL, &[&ids]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Pushes of these assignments that have yet to begin, locked in the order of their ids.
pub async fn lock_scheduled_of(tx: &Tx<'_>, assignments: &[AssignmentId]) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* pushing::pushes::lock_scheduled_of */ SELECT id FROM jobs
        WHERE assignment_id = ANY($1) AND state = 'scheduled' ORDER BY id FOR NO KEY UPDATE";
    let ids: Vec<i64> = assignments.iter().map(|assignment| assignment.0).collect();
    Ok(sql::query(tx, SQL, &[&ids]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Pushes that bring this subject and have not ended, locked in the order of their ids.
pub async fn lock_open_bringing(tx: &Tx<'_>, subject: Subject) -> Result<Vec<JobId>, StoreError> {
    const OF_APPLICATION: &str = "/* pushing::pushes::lock_open_bringing application */ SELECT id FROM jobs
        WHERE application_id = $1 AND push_action = 'install' AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    const OF_RESTRICTION: &str = "/* pushing::pushes::lock_open_bringing restriction */ SELECT id FROM jobs
        WHERE restriction_id = $1 AND push_action = 'apply' AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    let (statement, id) = of(subject, OF_APPLICATION, OF_RESTRICTION);
    Ok(sql::query(tx, statement, &[&id]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Whether a push of this subject has not ended, or one that was stopped has commands that devices are at work on.
pub async fn is_any_open(client: &impl GenericClient, subject: Subject) -> Result<bool, StoreError> {
    macro_rules! any_open {
        ($name:literal, $column:literal) => {
            concat!(
                "/* pushing::pushes::is_any_open ",
                $name,
                " */ SELECT EXISTS (SELECT FROM jobs j WHERE j.",
                $column,
                " = $1 AND (j.finished_at IS NULL OR j.released_to IS NOT NULL OR EXISTS (
                    SELECT FROM job_tallies t WHERE t.job_id = j.id AND t.state = ANY($2)
                    GROUP BY t.state HAVING sum(t.count) > 0)))"
            )
        };
    }
    const OF_APPLICATION: &str = any_open!("application", "application_id");
    const OF_RESTRICTION: &str = any_open!("restriction", "restriction_id");
    let (statement, id) = of(subject, OF_APPLICATION, OF_RESTRICTION);
    let open: Vec<&str> = drover_domain::CommandState::open().map(drover_domain::CommandState::as_str).collect();
    Ok(sql::query_one(client, statement, &[&id, &open]).await?.get(0))
}

/// The statement and the id for a subject.
const fn of(subject: Subject, application: &'static str, restriction: &'static str) -> (&'static str, i64) {
    match subject {
        Subject::Application(ApplicationId(id)) => (application, id),
        Subject::Restriction(RestrictionId(id)) => (restriction, id),
    }
}
