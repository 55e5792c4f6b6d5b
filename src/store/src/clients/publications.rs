//! Publications and distributions: the jobs that make a version of a client visible and bring it to devices.

use chrono::{DateTime, Utc};
use drover_domain::{
    ClientGroupId, ClientVersionId, JobId, JobKind, JobState, OperatorId, OrganisationId, OrganisationPath, Os, Policy,
    TenantId,
};

use super::targets::{TargetOrganisation, path};
use crate::{GenericClient, StoreError, Tx, rows::word, sql};

/// What is known of a version when it is to be published, distributed or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The version.
    pub version: ClientVersionId,
    /// Its group.
    pub group: ClientGroupId,
    /// Where the group belongs.
    pub owner: OrganisationPath,
    /// What it runs on.
    pub os: Os,
    /// The name of its file.
    pub app_name: String,
    /// The version as people read it.
    pub version_name: String,
    /// Whether it was withdrawn for good.
    pub is_void: bool,
}

fn os(row: &tokio_postgres::Row) -> Result<Os, StoreError> {
    let code: i32 = row.get("os");
    let unknown = || crate::records::UnknownWord { column: "os", word: code.to_string() };
    Ok(Os::from_code(code).ok_or_else(unknown)?)
}

/// A tenant's version, which stays as it is until the transaction ends. With `to_withdraw`, the transaction is the one that
/// changes it: its group is locked first, as by all who change the group, so that none of them shows it as it was.
pub async fn lock_subject(
    tx: &Tx<'_>,
    tenant: TenantId,
    version: ClientVersionId,
    to_withdraw: bool,
) -> Result<Option<Subject>, StoreError> {
    macro_rules! subject {
        ($name:literal, $lock:literal) => {
            concat!(
                "/* publications::lock_subject ",
                $name,
                " */ SELECT v.id, v.group_id, o.path, g.os, v.app_name, v.version_name, v.void_at IS NOT NULL AS is_void
                 FROM client_versions v JOIN client_groups g ON g.id = v.group_id JOIN organisations o ON o.id = g.organisation_id
                 WHERE v.id = $1 AND v.tenant_id = $2 ",
                $lock
            )
        };
    }
    const SHARED: &str = subject!("shared", "FOR SHARE OF v");
    const ALONE: &str = subject!("alone", "FOR NO KEY UPDATE OF v");
    const GROUP: &str = "/* publications::lock_subject group */ SELECT FROM client_groups
        WHERE id = (SELECT group_id FROM client_versions WHERE id = $1 AND tenant_id = $2) FOR NO KEY UPDATE";
    if to_withdraw {
        sql::execute(tx, GROUP, &[&version.0, &tenant.0]).await?;
    }
    let statement = if to_withdraw { ALONE } else { SHARED };
    let Some(row) = sql::query_opt(tx, statement, &[&version.0, &tenant.0]).await? else { return Ok(None) };
    Ok(Some(Subject {
        version: ClientVersionId(row.get("id")),
        group: ClientGroupId(row.get("group_id")),
        owner: path(&row, "path")?,
        os: os(&row)?,
        app_name: row.get("app_name"),
        version_name: row.get("version_name"),
        is_void: row.get("is_void"),
    }))
}

/// A publication or distribution to be made.
#[derive(Debug, Clone)]
pub struct NewClientJob<'a> {
    /// Which of the two.
    pub kind: JobKind,
    /// Whose.
    pub tenant: TenantId,
    /// What it brings.
    pub subject: &'a Subject,
    /// What a distribution rests on.
    pub publication: Option<JobId>,
    /// Its name.
    pub name: &'a str,
    /// How it treats its commands.
    pub policy: Policy,
    /// Whether success needs proof.
    pub proof_required: bool,
    /// Whether the user of a device may not put it off.
    pub force: bool,
    /// Who makes it.
    pub operator: OperatorId,
    /// The display name of who makes it.
    pub created_by: &'a str,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// The traceparent of the call.
    pub trace_context: &'a str,
}

/// Makes a draft of a publication or distribution.
pub async fn insert(tx: &Tx<'_>, new: &NewClientJob<'_>) -> Result<JobId, StoreError> {
    const SQL: &str =
        "/* publications::insert */ INSERT INTO jobs (tenant_id, kind, client_version_id, client_group_id,
            publication_id, name, retry_limit, attempt_timeout_s, job_timeout_s, proof_required, force, operator_id,
            organisation_id, created_by, updated_by, trace_context)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15) RETURNING id";
    let row = sql::query_one(
        tx,
        SQL,
        &[
            &new.tenant.0,
            &new.kind.as_str(),
            &new.subject.version.0,
            &new.subject.group.0,
            &new.publication.map(|job| job.0),
            &new.name,
            &new.policy.retry_limit,
            &new.policy.attempt_timeout_s,
            &new.policy.job_timeout_s,
            &new.proof_required,
            &new.force,
            &new.operator.0,
            &new.organisation.0,
            &new.created_by,
            &new.trace_context,
        ],
    )
    .await?;
    Ok(JobId(row.get(0)))
}

/// A publication that reaches an organisation, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The publication.
    pub publication: JobId,
    /// Until when; `None`: until it is cancelled.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The publication of a version that reaches an organisation for longest, kept from being cancelled until the transaction
/// ends.
pub async fn lock_coverage(
    tx: &Tx<'_>,
    version: ClientVersionId,
    target: &OrganisationPath,
) -> Result<Option<Coverage>, StoreError> {
    const SQL: &str = "/* publications::lock_coverage */ SELECT j.id, a.expires_at
        FROM jobs j JOIN audiences a ON a.job_id = j.id
        WHERE j.client_version_id = $1 AND j.kind = 'publish' AND j.state = 'running'
            AND a.organisation_id = ANY($2) AND (a.expires_at > now()) IS NOT FALSE
        ORDER BY a.expires_at DESC NULLS FIRST, j.id DESC LIMIT 1 FOR SHARE OF j";
    let above: Vec<i64> = target.ids().collect();
    let found = sql::query_opt(tx, SQL, &[&version.0, &above]).await?;
    Ok(found.map(|row| Coverage { publication: JobId(row.get(0)), expires_at: row.get(1) }))
}

/// A publication or distribution with what it takes to decide who may touch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientJob {
    /// The job.
    pub id: JobId,
    /// The version.
    pub version: ClientVersionId,
    /// Where it stands.
    pub state: JobState,
    /// The organisations it reaches, each with its end.
    pub reached: Vec<(TargetOrganisation, Option<DateTime<Utc>>)>,
}

/// The most organisations that one publication reaches.
pub const REACHED_MAX: i64 = 1000;

/// A tenant's publication or distribution, locked against every other change of it.
pub async fn lock(tx: &Tx<'_>, tenant: TenantId, kind: JobKind, id: JobId) -> Result<Option<ClientJob>, StoreError> {
    const JOB: &str = "/* publications::lock */ SELECT client_version_id, state FROM jobs
        WHERE id = $1 AND tenant_id = $2 AND kind = $3 AND deleted_at IS NULL FOR NO KEY UPDATE";
    const REACHED: &str = "/* publications::lock reached */ SELECT o.id, o.code, o.name, o.path, a.expires_at
        FROM audiences a JOIN organisations o ON o.id = a.organisation_id WHERE a.job_id = $1 ORDER BY a.id LIMIT $2";
    let Some(row) = sql::query_opt(tx, JOB, &[&id.0, &tenant.0, &kind.as_str()]).await? else { return Ok(None) };
    let reached = |row: &tokio_postgres::Row| {
        let organisation = TargetOrganisation {
            id: OrganisationId(row.get("id")),
            code: row.get("code"),
            name: row.get("name"),
            path: path(row, "path")?,
        };
        Ok((organisation, row.get("expires_at")))
    };
    let found = sql::query(tx, REACHED, &[&id.0, &REACHED_MAX]).await?;
    Ok(Some(ClientJob {
        id,
        version: ClientVersionId(row.get("client_version_id")),
        state: word(&row, "state", JobState::parse)?,
        reached: found.iter().map(reached).collect::<Result<_, StoreError>>()?,
    }))
}

/// Jobs of a version, or of one publication of it, that have not ended; locked in the order of their ids.
pub async fn lock_open(
    tx: &Tx<'_>,
    version: ClientVersionId,
    publication: Option<JobId>,
) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* publications::lock_open */ SELECT id FROM jobs
        WHERE client_version_id = $1 AND kind IN ('publish', 'distribute') AND finished_at IS NULL
            AND ($2::bigint IS NULL OR publication_id = $2)
        ORDER BY id FOR NO KEY UPDATE";
    let found = sql::query(tx, SQL, &[&version.0, &publication.map(|job| job.0)]).await?;
    Ok(found.iter().map(|row| JobId(row.get(0))).collect())
}

/// Withdraws a version for good. Its group's QR code shows nothing then, if it showed this version.
pub async fn make_void(tx: &Tx<'_>, version: ClientVersionId) -> Result<(), StoreError> {
    const VOID: &str = "/* publications::make_void */ UPDATE client_versions SET void_at = now(), updated_at = now()
        WHERE id = $1 AND void_at IS NULL";
    const QR: &str =
        "/* publications::make_void qr */ UPDATE client_groups SET qr_version_id = NULL, updated_at = now()
        WHERE qr_version_id = $1";
    sql::execute(tx, VOID, &[&version.0]).await?;
    sql::execute(tx, QR, &[&version.0]).await?;
    Ok(())
}

/// Publications that reach nobody any more because the time of every part is over, `limit` at most, locked; those that another
/// timekeeper holds are its own. By tenant: in that order all who move jobs of several change what is published there.
pub async fn expired(tx: &Tx<'_>, limit: i64) -> Result<Vec<JobId>, StoreError> {
    const SQL: &str = "/* publications::expired */ SELECT id FROM (SELECT id, tenant_id FROM jobs
            WHERE state = 'running' AND kind = 'publish' AND expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED) expired
        ORDER BY tenant_id, id";
    Ok(sql::query(tx, SQL, &[&limit]).await?.iter().map(|row| JobId(row.get(0))).collect())
}

/// Whether a tenant has a version, and where its group belongs.
pub async fn owner(
    client: &impl GenericClient,
    tenant: TenantId,
    version: ClientVersionId,
) -> Result<Option<OrganisationPath>, StoreError> {
    const SQL: &str = "/* publications::owner */ SELECT o.path FROM client_versions v
        JOIN client_groups g ON g.id = v.group_id JOIN organisations o ON o.id = g.organisation_id
        WHERE v.id = $1 AND v.tenant_id = $2";
    sql::query_opt(client, SQL, &[&version.0, &tenant.0]).await?.as_ref().map(|row| path(row, "path")).transpose()
}

pub(crate) fn state(row: &tokio_postgres::Row) -> Result<JobState, StoreError> {
    Ok(word(row, "state", JobState::parse)?)
}
