//! What one job is: its policy, whom it is for, and who had it try again.

use chrono::{DateTime, Utc};
use drover_domain::{CommandState, JobId, Policy};

use super::jobs::JobSummary;
use crate::{GenericClient, StoreError, rows, sql};

/// What a job's page says beside its summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobMore {
    /// When this was read.
    pub read_at: DateTime<Utc>,
    /// Free text.
    pub description: String,
    /// How it treats its commands.
    pub policy: Policy,
    /// Whether success needs proof.
    pub proof_required: bool,
    /// Whether the user of a device may not put it off.
    pub force: bool,
    /// The product whose devices it is for.
    pub product: Option<String>,
    /// The organisation for which its operator acted.
    pub organisation: Option<String>,
    /// The publication on which a distribution rests.
    pub publication: Option<JobId>,
    /// Who changed it last.
    pub updated_by: String,
}

/// What more there is to say of a job.
pub async fn more(client: &impl GenericClient, job: &JobSummary) -> Result<Option<JobMore>, StoreError> {
    const SQL: &str = "/* watching::job::more */ SELECT now() AS read_at, j.description, j.retry_limit, j.attempt_timeout_s,
            j.job_timeout_s, j.proof_required, j.force, j.publication_id, j.updated_by, p.name AS product, o.name AS organisation
        FROM jobs j LEFT JOIN LATERAL (SELECT name FROM products WHERE id = j.product_id OFFSET 0) p ON true
        LEFT JOIN LATERAL (SELECT name FROM organisations WHERE id = j.organisation_id OFFSET 0) o ON true
        WHERE j.id = $1";
    let found = sql::query_opt(client, SQL, &[&job.id.0]).await?;
    Ok(found.map(|row| JobMore {
        read_at: row.get("read_at"),
        description: row.get("description"),
        policy: Policy {
            retry_limit: row.get("retry_limit"),
            attempt_timeout_s: row.get("attempt_timeout_s"),
            job_timeout_s: row.get("job_timeout_s"),
        },
        proof_required: row.get("proof_required"),
        force: row.get("force"),
        product: row.get("product"),
        organisation: row.get("organisation"),
        publication: row.get::<_, Option<i64>>("publication_id").map(JobId),
        updated_by: row.get("updated_by"),
    }))
}

/// Whom a call asked a job to be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// So many devices by name.
    Devices(i64),
    /// All devices of the job's product.
    Product,
    /// An organisation and all below it.
    Organisation(String),
    /// So many users, groups and labels, and perhaps the users of an organisation who are in no group.
    Users {
        /// Users by name.
        users: i64,
        /// Groups.
        groups: i64,
        /// Labels.
        labels: i64,
        /// The organisation whose users without a group are meant too.
        ungrouped_of: Option<String>,
    },
    /// Whoever has what the job is about.
    Holders,
}

/// One call that asked a job to be for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Whom.
    pub asked: Asked,
    /// Who called.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When all of them had their commands; `None`: not yet.
    pub planned_at: Option<DateTime<Utc>>,
}

/// Whom a job is for: the first calls, `limit` at most, of the first thousand.
pub async fn audiences(client: &impl GenericClient, job: JobId, limit: i64) -> Result<Vec<Audience>, StoreError> {
    const SQL: &str = "/* watching::job::audiences */ SELECT a.kind, cardinality(a.device_ids)::bigint AS devices,
            cardinality(a.user_ids)::bigint AS users, cardinality(a.group_ids)::bigint AS groups,
            cardinality(a.label_ids)::bigint AS labels, a.created_by, a.created_at, a.planned_at, o.name AS organisation
        FROM (SELECT * FROM (SELECT * FROM audiences WHERE job_id = $1 LIMIT 1000) few ORDER BY id LIMIT $2) a
        LEFT JOIN LATERAL (SELECT name FROM organisations WHERE id = COALESCE(a.organisation_id, a.default_group_of) OFFSET 0) o
            ON true
        ORDER BY a.id";
    let kind = |text: &str| Some(text.to_owned());
    let audience = |row: &tokio_postgres::Row| {
        let number = |column: &str| row.get::<_, Option<i64>>(column).unwrap_or(0);
        let organisation: Option<String> = row.get("organisation");
        let asked = match rows::word(row, "kind", kind)?.as_str() {
            "devices" => Asked::Devices(number("devices")),
            "product" => Asked::Product,
            "organisation" => Asked::Organisation(organisation.unwrap_or_default()),
            "users" => Asked::Users {
                users: number("users"),
                groups: number("groups"),
                labels: number("labels"),
                ungrouped_of: organisation,
            },
            _ => Asked::Holders,
        };
        Ok(Audience {
            asked,
            created_by: row.get("created_by"),
            created_at: row.get("created_at"),
            planned_at: row.get("planned_at"),
        })
    };
    sql::query(client, SQL, &[&job.0, &limit]).await?.iter().map(audience).collect()
}

/// An operator's wish to try again what failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryWish {
    /// The row.
    pub id: i64,
    /// Commands that stood here.
    pub states: Vec<CommandState>,
    /// Of these, those whose last attempt ended with this code.
    pub code: Option<String>,
    /// Commands tried again so far.
    pub retried: i64,
    /// Commands passed by, since their devices are in other jobs.
    pub busy: i64,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// When all commands had been looked at; `None`: not yet.
    pub finished_at: Option<DateTime<Utc>>,
}

/// An operator's wishes to try again what failed in a job, newest first, `limit` at most.
pub async fn retries(client: &impl GenericClient, job: JobId, limit: i64) -> Result<Vec<RetryWish>, StoreError> {
    const SQL: &str =
        "/* watching::job::retries */ SELECT id, states, code, retried, busy, asked_by, asked_at, finished_at
        FROM retries WHERE job_id = $1 ORDER BY id DESC LIMIT $2";
    let wish = |row: &tokio_postgres::Row| RetryWish {
        id: row.get("id"),
        states: row.get::<_, Vec<String>>("states").iter().filter_map(|name| CommandState::parse(name)).collect(),
        code: row.get("code"),
        retried: row.get("retried"),
        busy: row.get("busy"),
        asked_by: row.get("asked_by"),
        asked_at: row.get("asked_at"),
        finished_at: row.get("finished_at"),
    };
    Ok(sql::query(client, SQL, &[&job.0, &limit]).await?.iter().map(wish).collect())
}
