//! Standing wishes: whose devices are to have an application, or to keep to a list.

mod taking_over;
mod targets;

use chrono::{DateTime, Utc};
use drover_domain::{
    ApplicationId, AssignmentId, JobId, OperatorId, OrganisationId, PolicyId, Relationship, RestrictionId, TenantId,
};
use tokio_postgres::Row;

pub use taking_over::take_over;
pub use targets::{Targets, take_away, targets};

use crate::{GenericClient, StoreError, Tx, records::UnknownWord, sql};

/// What a wish, and a push that carries it out, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An application.
    Application(ApplicationId),
    /// A black or white list.
    Restriction(RestrictionId),
}

impl Subject {
    /// Its two columns: application and restriction.
    pub(crate) const fn columns(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Application(id) => (Some(id.0), None),
            Self::Restriction(id) => (None, Some(id.0)),
        }
    }

    pub(crate) fn of_columns(application: Option<i64>, restriction: Option<i64>) -> Option<Self> {
        let application = application.map(|id| Self::Application(ApplicationId(id)));
        application.or(restriction.map(|id| Self::Restriction(RestrictionId(id))))
    }
}

/// How a wish is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent settings, each a column")]
pub struct Wish {
    /// Required, or on demand of the device's user.
    pub is_required: bool,
    /// Whether the device's user is told.
    pub is_notified: bool,
    /// Whose devices; at least one.
    pub relationships: Vec<Relationship>,
    /// Whether a device that removes it gets it again.
    pub is_essential: bool,
    /// Whether it is removed from a device that leaves.
    pub removes_on_exit: bool,
    /// Into the Knox container.
    pub into_knox: bool,
    /// Wi-Fi alone.
    pub wifi_only: bool,
    /// Kept out of backups.
    pub prevents_backup: bool,
    /// Settings that travel with it.
    pub policy: Option<PolicyId>,
    /// When it begins; `None`: at once.
    pub start_at: Option<DateTime<Utc>>,
}

/// An assignment to be made.
#[derive(Debug, Clone)]
pub struct NewAssignment<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// What of.
    pub subject: Subject,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who makes it.
    pub operator: OperatorId,
    /// The display name of who makes it.
    pub created_by: &'a str,
    /// How it is carried out.
    pub wish: &'a Wish,
    /// Whom it names.
    pub targets: &'a Targets,
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// Whose.
    pub tenant: TenantId,
    /// What of.
    pub subject: Subject,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who made it.
    pub operator: OperatorId,
    /// The display name of who made it.
    pub created_by: String,
    /// How it is carried out.
    pub wish: Wish,
}

/// Makes an assignment with its targets.
pub async fn insert(tx: &Tx<'_>, new: &NewAssignment<'_>) -> Result<AssignmentId, StoreError> {
    const SQL: &str =
        "/* pushing::assignments::insert */ INSERT INTO assignments (tenant_id, application_id, restriction_id,
            organisation_id, operator_id, is_required, is_notified, relationships, is_essential, removes_on_exit,
            into_knox, wifi_only, prevents_backup, policy_id, start_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id";
    let (application, restriction) = new.subject.columns();
    let relationships: Vec<i16> = new.wish.relationships.iter().map(|relationship| relationship.code()).collect();
    let row = sql::query_one(
        tx,
        SQL,
        &[
            &new.tenant.0,
            &application,
            &restriction,
            &new.organisation.0,
            &new.operator.0,
            &new.wish.is_required,
            &new.wish.is_notified,
            &relationships,
            &new.wish.is_essential,
            &new.wish.removes_on_exit,
            &new.wish.into_knox,
            &new.wish.wifi_only,
            &new.wish.prevents_backup,
            &new.wish.policy.map(|policy| policy.0),
            &new.wish.start_at,
            &new.created_by,
        ],
    )
    .await?;
    let id = AssignmentId(row.get(0));
    targets::insert(tx, id, new.targets).await?;
    Ok(id)
}

macro_rules! columns {
    () => {
        "id, tenant_id, application_id, restriction_id, organisation_id, operator_id, created_by, is_required, is_notified,
            relationships, is_essential, removes_on_exit, into_knox, wifi_only, prevents_backup, policy_id, start_at"
    };
}

fn assignment(row: &Row) -> Result<Assignment, StoreError> {
    let subject = Subject::of_columns(row.get("application_id"), row.get("restriction_id"));
    let relationship = |code: i16| {
        let unknown = || UnknownWord { column: "relationships", word: code.to_string() };
        Relationship::from_code(code).ok_or_else(unknown)
    };
    let codes: Vec<i16> = row.get("relationships");
    Ok(Assignment {
        id: AssignmentId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        subject: subject.ok_or_else(|| UnknownWord { column: "application_id", word: String::new() })?,
        organisation: OrganisationId(row.get("organisation_id")),
        operator: OperatorId(row.get("operator_id")),
        created_by: row.get("created_by"),
        wish: Wish {
            is_required: row.get("is_required"),
            is_notified: row.get("is_notified"),
            relationships: codes.into_iter().map(relationship).collect::<Result<_, _>>()?,
            is_essential: row.get("is_essential"),
            removes_on_exit: row.get("removes_on_exit"),
            into_knox: row.get("into_knox"),
            wifi_only: row.get("wifi_only"),
            prevents_backup: row.get("prevents_backup"),
            policy: row.get::<_, Option<i64>>("policy_id").map(PolicyId),
            start_at: row.get("start_at"),
        },
    })
}

/// An assignment, ended or not.
pub async fn get(client: &impl GenericClient, id: AssignmentId) -> Result<Option<Assignment>, StoreError> {
    const SQL: &str = concat!("/* pushing::assignments::get */ SELECT ", columns!(), " FROM assignments WHERE id = $1");
    sql::query_opt(client, SQL, &[&id.0]).await?.as_ref().map(assignment).transpose()
}

/// The next live assignments of a subject after `after`, by id, `limit` at most.
pub async fn live(
    client: &impl GenericClient,
    subject: Subject,
    after: AssignmentId,
    limit: i64,
) -> Result<Vec<Assignment>, StoreError> {
    const OF_APPLICATION: &str = concat!(
        "/* pushing::assignments::live application */ SELECT ",
        columns!(),
        " FROM assignments WHERE application_id = $1 AND ended_at IS NULL AND id > $2 ORDER BY id LIMIT $3"
    );
    const OF_RESTRICTION: &str = concat!(
        "/* pushing::assignments::live restriction */ SELECT ",
        columns!(),
        " FROM assignments WHERE restriction_id = $1 AND ended_at IS NULL AND id > $2 ORDER BY id LIMIT $3"
    );
    let (statement, id) = match subject {
        Subject::Application(id) => (OF_APPLICATION, id.0),
        Subject::Restriction(id) => (OF_RESTRICTION, id.0),
    };
    sql::query(client, statement, &[&id, &after.0, &limit]).await?.iter().map(assignment).collect()
}

/// Ends the assignment that a push was made with, if it lives and this push was the first to carry it out. `None`: it is not so.
pub async fn end_of_first_push(tx: &Tx<'_>, job: JobId) -> Result<Option<AssignmentId>, StoreError> {
    const SQL: &str = "/* pushing::assignments::end_of_first_push */ UPDATE assignments SET ended_at = now()
        WHERE id = (SELECT assignment_id FROM jobs WHERE id = $1) AND ended_at IS NULL
            AND (SELECT id FROM jobs WHERE assignment_id = assignments.id ORDER BY id LIMIT 1) = $1
        RETURNING id";
    Ok(sql::query_opt(tx, SQL, &[&job.0]).await?.map(|row| AssignmentId(row.get(0))))
}

/// Ends every live assignment of a subject. Their targets stay as what was asked for.
pub async fn end_all(tx: &Tx<'_>, subject: Subject) -> Result<u64, StoreError> {
    const OF_APPLICATION: &str =
        "/* pushing::assignments::end_all application */ UPDATE assignments SET ended_at = now()
        WHERE application_id = $1 AND ended_at IS NULL";
    const OF_RESTRICTION: &str =
        "/* pushing::assignments::end_all restriction */ UPDATE assignments SET ended_at = now()
        WHERE restriction_id = $1 AND ended_at IS NULL";
    let (statement, id) = match subject {
        Subject::Application(id) => (OF_APPLICATION, id.0),
        Subject::Restriction(id) => (OF_RESTRICTION, id.0),
    };
    sql::execute(tx, statement, &[&id]).await
}
