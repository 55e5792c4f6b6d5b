//! Jobs.

mod clock;
mod firmware;
mod lifecycle;

use drover_domain::{ApplicationId, JobId, JobKind, JobState, Policy, PushAction, RestrictionId, Rules};

use crate::{GenericClient, Job, StoreError, Tx, rows, sql};

pub use clock::{due, finished, plan_overdue, set_plan_due, set_plan_due_at_expiry, unfinished};
pub use firmware::{JobChange, NewJob, delete, get, insert, lock, page, update};
pub use lifecycle::{apply, cap_expiry, set_released_to};

/// Columns of [`rows::job`], of jobs `j`.
macro_rules! job_columns {
    () => {
        "j.id AS job_id, j.tenant_id AS job_tenant_id, j.kind, j.name AS job_name, j.description, j.state, j.retry_limit,
            j.attempt_timeout_s, j.job_timeout_s, j.proof_required, j.created_by, j.trace_context, j.created_at,
            j.started_at, j.resumed_at, j.expires_at, COALESCE(j.expires_at <= now(), false) AS is_expired, j.finished_at,
            (SELECT COALESCE(sum(t.count), 0)::bigint FROM job_tallies t WHERE t.job_id = j.id) AS device_count"
    };
}

pub(crate) use job_columns;

/// Columns and tables of [`rows::job`].
macro_rules! select_job {
    () => {
        concat!("SELECT ", job_columns!(), " FROM jobs j ")
    };
}

/// A job for a worker: deleted or not, whoever owns it.
pub async fn get_for_work(client: &impl GenericClient, id: JobId) -> Result<Option<Job>, StoreError> {
    const SQL: &str = concat!("/* jobs::get_for_work */ ", select_job!(), "WHERE j.id = $1");
    sql::query_opt(client, SQL, &[&id.0]).await?.as_ref().map(rows::job).transpose()
}

/// Jobs for a worker, by id: deleted or not, whoever owns them.
pub async fn list_for_work(client: &impl GenericClient, ids: &[i64]) -> Result<Vec<Job>, StoreError> {
    const SQL: &str = concat!("/* jobs::list_for_work */ ", select_job!(), "WHERE j.id = ANY($1) ORDER BY j.id");
    sql::query(client, SQL, &[&ids]).await?.iter().map(rows::job).collect()
}

/// What recording and timekeeping need of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRules {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// How it treats its commands.
    pub policy: Policy,
    /// Whether success needs proof.
    pub proof_required: bool,
    /// The version that it brings.
    pub version: String,
    /// The client program that it brings a version of, and that version's number.
    pub client: Option<(String, i32)>,
    /// What a push comes to on a device that carried it out.
    pub push: Option<Pushed>,
    /// The traceparent of the call that made it.
    pub trace_context: String,
    /// Whether its time is over.
    pub is_expired: bool,
}

/// What a push comes to on a device that carried it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The device has this release of the application.
    Installed {
        /// The application.
        application: ApplicationId,
        /// The release as a number, 0 when it is none.
        version_number: i64,
        /// The release as people read it.
        version_name: String,
    },
    /// The device does not have the application any more.
    Uninstalled(ApplicationId),
    /// The device keeps to this revision of the list.
    Applied(RestrictionId, i32),
    /// The device keeps to the list no more.
    Removed(RestrictionId),
}

fn pushed(row: &tokio_postgres::Row) -> Result<Option<Pushed>, StoreError> {
    if row.get::<_, Option<&str>>("push_action").is_none() {
        return Ok(None);
    }
    let application = || ApplicationId(row.get("application_id"));
    let restriction = || RestrictionId(row.get("restriction_id"));
    Ok(Some(match rows::word(row, "push_action", PushAction::parse)? {
        PushAction::Install => Pushed::Installed {
            application: application(),
            version_number: row.get("release_number"),
            version_name: row.get("release_name"),
        },
        PushAction::Uninstall => Pushed::Uninstalled(application()),
        PushAction::Apply => Pushed::Applied(restriction(), row.get("restriction_revision")),
        PushAction::Remove => Pushed::Removed(restriction()),
    }))
}

impl JobRules {
    /// What the job asks of its commands now.
    pub const fn of_commands(&self) -> Rules {
        Rules { proof_required: self.proof_required, is_stopped: self.state.is_stopped() }
    }
}

/// The rules of jobs, by id; ids that are no job's are left out.
pub async fn rules(client: &impl GenericClient, ids: &[i64]) -> Result<Vec<JobRules>, StoreError> {
    const SQL: &str =
        "/* jobs::rules */ SELECT j.id, j.kind, j.state, j.retry_limit, j.attempt_timeout_s, j.job_timeout_s,
            j.proof_required, COALESCE(f.version, v.version_name, '') AS version, v.package_name, v.version_code,
            j.trace_context, COALESCE(j.expires_at <= now(), false) AS is_expired, j.push_action, j.application_id,
            r.version_number AS release_number, r.version_name AS release_name, j.restriction_id, j.restriction_revision
        FROM jobs j LEFT JOIN firmwares f ON f.id = j.firmware_id LEFT JOIN client_versions v ON v.id = j.client_version_id
        LEFT JOIN app_releases r ON r.id = j.release_id
        WHERE j.id = ANY($1) ORDER BY j.id";
    let rules = |row: &tokio_postgres::Row| {
        Ok(JobRules {
            id: JobId(row.get("id")),
            kind: rows::word(row, "kind", JobKind::parse)?,
            state: rows::word(row, "state", JobState::parse)?,
            policy: Policy {
                retry_limit: row.get("retry_limit"),
                attempt_timeout_s: row.get("attempt_timeout_s"),
                job_timeout_s: row.get("job_timeout_s"),
            },
            proof_required: row.get("proof_required"),
            version: row.get("version"),
            client: row.get::<_, Option<String>>("package_name").zip(row.get("version_code")),
            push: pushed(row)?,
            trace_context: row.get("trace_context"),
            is_expired: row.get("is_expired"),
        })
    };
    sql::query(client, SQL, &[&ids]).await?.iter().map(rules).collect()
}

/// A job for the planner, locked, and up to which device its commands have been released (`None`: nothing to release).
pub async fn lock_for_planning(tx: &Tx<'_>, id: JobId) -> Result<Option<(Job, Option<i64>)>, StoreError> {
    const SQL: &str =
        concat!("/* jobs::lock_for_planning */ ", select_job!(), "WHERE j.id = $1 FOR NO KEY UPDATE OF j");
    const CURSOR: &str = "/* jobs::lock_for_planning cursor */ SELECT released_to FROM jobs WHERE id = $1";
    match sql::query_opt(tx, SQL, &[&id.0]).await? {
        Some(row) => Ok(Some((rows::job(&row)?, sql::query_one(tx, CURSOR, &[&id.0]).await?.get(0)))),
        None => Ok(None),
    }
}
