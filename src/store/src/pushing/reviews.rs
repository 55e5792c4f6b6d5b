//! Devices whose assignments may have changed: who they are, what reaches them, what they have, and what they were sent.
//!
//! A statement looks at all devices of a batch, each by index: OFFSET keeps the planner from joining whole tables when its
//! statistics are old.

use std::time::Duration;

use drover_domain::{AssignmentId, CommandState, DeviceId, JobId, OrganisationId, PackageId, PushAction, TenantId};
use tokio_postgres::Row;

use crate::{
    GenericClient, StoreError, Tx, UnknownWord,
    pushing::assignments::Subject,
    rows::{state, word},
    sql,
};

/// Has a device reviewed. Whoever reviews it now and does not see this transaction yet leaves it for another review.
pub async fn ask(tx: &Tx<'_>, device: DeviceId) -> Result<(), StoreError> {
    const SQL: &str = "/* pushing::reviews::ask */ INSERT INTO device_reviews (device_id) VALUES ($1)
        ON CONFLICT (device_id) DO UPDATE SET created_at = LEAST(device_reviews.created_at, now())";
    sql::execute(tx, SQL, &[&device.0]).await?;
    Ok(())
}

/// Takes up to `limit` devices that are to be reviewed now, ascending; whoever is about to ask for another review of one waits.
pub async fn claim(tx: &Tx<'_>, limit: i64) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "/* pushing::reviews::claim */ WITH taken AS (
            DELETE FROM device_reviews WHERE device_id = ANY(ARRAY(
                SELECT device_id FROM device_reviews WHERE created_at <= now() ORDER BY device_id LIMIT $1
                FOR UPDATE SKIP LOCKED)) RETURNING device_id
        ) SELECT device_id FROM taken ORDER BY device_id";
    Ok(sql::query(tx, SQL, &[&limit]).await?.iter().map(|row| row.get(0)).collect())
}

/// Leaves a device alone for a while: it cannot be reviewed.
pub async fn put_off(client: &impl GenericClient, device: i64, pause: Duration) -> Result<(), StoreError> {
    const SQL: &str =
        "/* pushing::reviews::put_off */ UPDATE device_reviews SET created_at = now() + make_interval(secs => $2)
        WHERE device_id = $1";
    sql::execute(client, SQL, &[&device, &pause.as_secs_f64()]).await?;
    Ok(())
}

/// Has devices reviewed after a while, unless something changes before.
pub async fn ask_later(tx: &Tx<'_>, devices: &[i64], pause: Duration) -> Result<(), StoreError> {
    const SQL: &str = "/* pushing::reviews::ask_later */ INSERT INTO device_reviews (device_id, created_at)
        SELECT id, now() + make_interval(secs => $2) FROM unnest($1::bigint[]) AS given (id) ORDER BY id
        ON CONFLICT DO NOTHING";
    sql::execute(tx, SQL, &[&devices, &pause.as_secs_f64()]).await?;
    Ok(())
}

/// An assignment that reaches a device now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent settings, each a column")]
pub struct Reach {
    /// The device.
    pub device: i64,
    /// The assignment.
    pub assignment: AssignmentId,
    /// What of.
    pub subject: Subject,
    /// The application's package.
    pub package: Option<PackageId>,
    /// Required, or on demand.
    pub is_required: bool,
    /// Whether a device that removes it gets it again.
    pub is_essential: bool,
    /// Whether it is given to whom it was not given yet; a list that is disabled is not.
    pub is_offered: bool,
    /// Whether its time has come: before that, nobody is given anything.
    pub has_begun: bool,
}

/// The assignments that reach devices: live ones that name their user, one of the user's groups or labels, or the default group,
/// and that are for such devices.
pub async fn reach(client: &impl GenericClient, devices: &[i64]) -> Result<Vec<Reach>, StoreError> {
    // A device of which nobody said whose it is counts as somebody else's, one of which nobody said what kind it is fits: as
    // for the planner.
    const SQL: &str = "/* pushing::reviews::reach */ WITH reviewed AS MATERIALIZED (
            SELECT d.*, u.path, u.is_in_none FROM unnest($1::bigint[]) AS given (id)
            CROSS JOIN LATERAL (
                SELECT id, tenant_id, user_id, os, device_type, COALESCE(relationship, 3::smallint) AS relationship FROM devices
                WHERE id = given.id AND status <> 'deregistered' OFFSET 0) d
            CROSS JOIN LATERAL (
                SELECT o.path, NOT EXISTS (SELECT FROM user_group_members m WHERE m.user_id = u.id) AS is_in_none
                FROM users u JOIN organisations o ON o.id = u.organisation_id WHERE u.id = d.user_id OFFSET 0) u
        ), of_default_group AS MATERIALIZED (
            SELECT s.id, s.tenant_id, o.path FROM assignment_targets t JOIN assignments s ON s.id = t.assignment_id
                JOIN organisations o ON o.id = s.organisation_id
            WHERE t.kind = 'default_group' AND t.target_id = 0 AND s.ended_at IS NULL
                AND s.tenant_id IN (SELECT tenant_id FROM reviewed WHERE is_in_none)
        ), named AS (
            SELECT r.id AS device_id, t.assignment_id FROM reviewed r CROSS JOIN LATERAL (
                SELECT assignment_id FROM assignment_targets WHERE kind = 'user' AND target_id = r.user_id OFFSET 0) t
            UNION SELECT r.id, t.assignment_id FROM reviewed r CROSS JOIN LATERAL (
                SELECT group_id FROM user_group_members WHERE user_id = r.user_id OFFSET 0) m CROSS JOIN LATERAL (
                SELECT assignment_id FROM assignment_targets WHERE kind = 'group' AND target_id = m.group_id OFFSET 0) t
            UNION SELECT r.id, t.assignment_id FROM reviewed r CROSS JOIN LATERAL (
                SELECT label_id FROM label_members WHERE user_id = r.user_id OFFSET 0) m CROSS JOIN LATERAL (
                SELECT assignment_id FROM assignment_targets WHERE kind = 'label' AND target_id = m.label_id OFFSET 0) t
            UNION SELECT r.id, g.id FROM reviewed r JOIN of_default_group g
                ON r.is_in_none AND g.tenant_id = r.tenant_id AND starts_with(r.path, g.path)
        )
        SELECT r.id AS device_id, s.id, s.application_id, s.restriction_id, a.package_id, s.is_required, s.is_essential,
            COALESCE(l.is_enabled, true) AS is_offered, COALESCE(s.start_at <= now(), true) AS has_begun
        FROM named n JOIN reviewed r ON r.id = n.device_id CROSS JOIN LATERAL (
            SELECT * FROM assignments WHERE id = n.assignment_id AND ended_at IS NULL AND tenant_id = r.tenant_id OFFSET 0) s
        LEFT JOIN LATERAL (SELECT a.package_id, p.platform, a.model_types FROM applications a JOIN packages p ON p.id = a.package_id
            WHERE a.id = s.application_id AND a.release_id IS NOT NULL AND a.removing_at IS NULL AND a.deleted_at IS NULL
            OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT platform, is_enabled FROM restrictions
            WHERE id = s.restriction_id AND removing_at IS NULL AND deleted_at IS NULL OFFSET 0) l ON true
        WHERE r.relationship = ANY(s.relationships)
            AND r.os = CASE COALESCE(a.platform, l.platform) WHEN 1 THEN 51201 WHEN 2 THEN 51202 END
            AND (a.platform IS DISTINCT FROM 2 OR a.model_types = '{}' OR COALESCE(r.device_type = ANY(a.model_types), true))";
    let reach = |row: &Row| {
        Ok(Reach {
            device: row.get("device_id"),
            assignment: AssignmentId(row.get("id")),
            subject: subject(row)?,
            package: row.get::<_, Option<i64>>("package_id").map(PackageId),
            is_required: row.get("is_required"),
            is_essential: row.get("is_essential"),
            is_offered: row.get("is_offered"),
            has_begun: row.get("has_begun"),
        })
    };
    sql::query(client, SQL, &[&devices]).await?.iter().map(reach).collect()
}

fn subject(row: &Row) -> Result<Subject, UnknownWord> {
    let subject = Subject::of_columns(row.get("application_id"), row.get("restriction_id"));
    subject.ok_or_else(|| UnknownWord { column: "application_id", word: String::new() })
}

/// What a device has, or was sent, of an application or list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each of its own")]
pub struct Had {
    /// The device.
    pub device: i64,
    /// What of.
    pub subject: Subject,
    /// The application's package.
    pub package: Option<PackageId>,
    /// The newest push of it to this device.
    pub job: JobId,
    /// What that does.
    pub action: PushAction,
    /// Whether somebody asked for it, rather than Drover itself.
    pub is_explicit: bool,
    /// Whether what it brought goes when the device leaves. Lists always do.
    pub removes_on_exit: bool,
    /// Whether it is there, or may be: the device was told to take it, and has not ended that without success.
    pub is_there: bool,
    /// Whether it is there as it is given now.
    pub is_present: bool,
    /// Whether it went from the device after that push, and nobody here had asked for it.
    pub was_removed: bool,
    /// Whether that push was Drover's own, and lately.
    pub was_brought_lately: bool,
}

/// What devices that may still be told something have of applications and lists that are not being removed. What Drover itself
/// pushed within `lately` is marked so.
pub async fn had(client: &impl GenericClient, devices: &[i64], lately: Duration) -> Result<Vec<Had>, StoreError> {
    const SQL: &str = "/* pushing::reviews::had */ WITH reviewed AS MATERIALIZED (
            SELECT d.id FROM unnest($1::bigint[]) AS given (id) CROSS JOIN LATERAL (
                SELECT id FROM devices WHERE id = given.id
                    AND (status <> 'deregistered' OR COALESCE(leaving_until > now(), false)) OFFSET 0) d
        ), had AS (
            SELECT r.id AS device_id, i.application_id, NULL::bigint AS restriction_id, a.package_id, i.job_id, i.removed_at,
                i.is_installed AS is_there,
                i.is_installed AND i.installed_number >= v.version_number
                    AND (v.version_number > 0 OR i.installed_name = v.version_name) AS is_present
            FROM reviewed r CROSS JOIN LATERAL (SELECT * FROM app_installs WHERE device_id = r.id OFFSET 0) i
                CROSS JOIN LATERAL (SELECT package_id, release_id FROM applications
                    WHERE id = i.application_id AND removing_at IS NULL AND deleted_at IS NULL OFFSET 0) a
                CROSS JOIN LATERAL (SELECT version_number, version_name FROM app_releases WHERE id = a.release_id OFFSET 0) v
            UNION ALL SELECT r.id, NULL, i.restriction_id, NULL, i.job_id, NULL, i.revision > 0, i.revision >= l.revision
            FROM reviewed r CROSS JOIN LATERAL (SELECT * FROM restriction_installs WHERE device_id = r.id OFFSET 0) i
                CROSS JOIN LATERAL (SELECT revision FROM restrictions
                    WHERE id = i.restriction_id AND removing_at IS NULL AND deleted_at IS NULL OFFSET 0) l
        )
        SELECT h.*, j.push_action, j.operator_id IS NOT NULL AS is_explicit,
            j.operator_id IS NULL AND j.created_at > now() - make_interval(secs => $2) AS was_brought_lately,
            h.is_there OR c.finished_at IS NULL AND c.sent_at IS NOT NULL AS may_be_there,
            COALESCE(s.removes_on_exit, false) OR h.restriction_id IS NOT NULL AS removes_on_exit,
            COALESCE(h.removed_at > j.created_at, false) AS was_removed
        FROM had h CROSS JOIN LATERAL (SELECT push_action, operator_id, assignment_id, created_at FROM jobs
            WHERE id = h.job_id OFFSET 0) j
        LEFT JOIN LATERAL (SELECT removes_on_exit FROM assignments WHERE id = j.assignment_id OFFSET 0) s ON true
        LEFT JOIN LATERAL (SELECT finished_at, sent_at FROM commands
            WHERE job_id = h.job_id AND device_id = h.device_id OFFSET 0) c ON true";
    let had = |row: &Row| {
        Ok(Had {
            device: row.get("device_id"),
            subject: subject(row)?,
            package: row.get::<_, Option<i64>>("package_id").map(PackageId),
            job: JobId(row.get("job_id")),
            action: word(row, "push_action", PushAction::parse)?,
            is_explicit: row.get("is_explicit"),
            removes_on_exit: row.get("removes_on_exit"),
            is_there: row.get::<_, Option<bool>>("may_be_there").unwrap_or(false),
            is_present: row.get("is_present"),
            was_removed: row.get("was_removed"),
            was_brought_lately: row.get("was_brought_lately"),
        })
    };
    sql::query(client, SQL, &[&devices, &lately.as_secs_f64()]).await?.iter().map(had).collect()
}

/// A command that brings, or brought, something to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The device.
    pub device: i64,
    /// Its job.
    pub job: JobId,
    /// What its job carries out.
    pub assignment: AssignmentId,
    /// What it brings.
    pub subject: Subject,
    /// Whether that is required.
    pub is_required: bool,
    /// Where it stands; what was cancelled is left out.
    pub state: CommandState,
}

/// What devices were sent by assignments and was not cancelled.
pub async fn sent(client: &impl GenericClient, devices: &[i64]) -> Result<Vec<Sent>, StoreError> {
    const SQL: &str = "/* pushing::reviews::sent */ SELECT c.*, j.*, s.is_required FROM unnest($1::bigint[]) AS given (id)
        CROSS JOIN LATERAL (SELECT device_id, job_id, state FROM commands WHERE device_id = given.id AND state <> 'cancelled'
            OFFSET 0) c
        CROSS JOIN LATERAL (SELECT assignment_id, application_id, restriction_id FROM jobs
            WHERE id = c.job_id AND assignment_id IS NOT NULL OFFSET 0) j
        CROSS JOIN LATERAL (SELECT is_required FROM assignments WHERE id = j.assignment_id OFFSET 0) s";
    let sent = |row: &Row| {
        Ok(Sent {
            device: row.get("device_id"),
            job: JobId(row.get("job_id")),
            assignment: AssignmentId(row.get("assignment_id")),
            subject: subject(row)?,
            is_required: row.get("is_required"),
            state: state(row, "state")?,
        })
    };
    sql::query(client, SQL, &[&devices]).await?.iter().map(sent).collect()
}

/// What a push that Drover itself makes needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushOrigin {
    /// What it carries out; `None`: it takes away.
    pub assignment: Option<AssignmentId>,
    /// What it is about.
    pub subject: Subject,
    /// Whose.
    pub tenant: TenantId,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who made the assignment, application or list.
    pub created_by: String,
    /// The name of the application or list.
    pub name: String,
}

/// Assignments that are still live, and whose application or list is not being removed; nobody ends or removes them before the
/// transaction ends.
pub async fn lock_wishes(tx: &Tx<'_>, assignments: &[i64]) -> Result<Vec<PushOrigin>, StoreError> {
    macro_rules! wishes {
        ($name:literal, $table:literal, $column:literal) => {
            concat!(
                "/* pushing::reviews::lock_wishes ",
                $name,
                " */ SELECT s.id AS assignment_id, s.application_id, s.restriction_id, s.tenant_id, s.organisation_id,
                    s.created_by, w.name
                FROM assignments s JOIN ",
                $table,
                " w ON w.id = s.",
                $column,
                " WHERE s.id = ANY($1) AND s.ended_at IS NULL AND w.removing_at IS NULL AND w.deleted_at IS NULL
                ORDER BY w.id, s.id FOR SHARE OF w, s"
            )
        };
    }
    const OF_APPLICATIONS: &str = wishes!("applications", "applications", "application_id");
    const OF_RESTRICTIONS: &str = wishes!("restrictions", "restrictions", "restriction_id");
    origins(tx, [OF_APPLICATIONS, OF_RESTRICTIONS], [assignments, assignments]).await
}

/// Applications and lists that are not being removed; nobody does before the transaction ends.
pub async fn lock_subjects(
    tx: &Tx<'_>,
    applications: &[i64],
    restrictions: &[i64],
) -> Result<Vec<PushOrigin>, StoreError> {
    macro_rules! subjects {
        ($table:literal, $columns:literal) => {
            concat!(
                "/* pushing::reviews::lock_subjects ",
                $table,
                " */ SELECT NULL::bigint AS assignment_id, ",
                $columns,
                ", tenant_id, organisation_id, created_by, name FROM ",
                $table,
                " WHERE id = ANY($1) AND removing_at IS NULL AND deleted_at IS NULL ORDER BY id FOR SHARE"
            )
        };
    }
    const APPLICATIONS: &str = subjects!("applications", "id AS application_id, NULL::bigint AS restriction_id");
    const RESTRICTIONS: &str = subjects!("restrictions", "NULL::bigint AS application_id, id AS restriction_id");
    origins(tx, [APPLICATIONS, RESTRICTIONS], [applications, restrictions]).await
}

async fn origins(tx: &Tx<'_>, statements: [&'static str; 2], ids: [&[i64]; 2]) -> Result<Vec<PushOrigin>, StoreError> {
    let mut origins = Vec::new();
    for (statement, ids) in statements.into_iter().zip(ids).filter(|(_, ids)| !ids.is_empty()) {
        for row in sql::query(tx, statement, &[&ids]).await? {
            origins.push(PushOrigin {
                assignment: row.get::<_, Option<i64>>("assignment_id").map(AssignmentId),
                subject: subject(&row)?,
                tenant: TenantId(row.get("tenant_id")),
                organisation: OrganisationId(row.get("organisation_id")),
                created_by: row.get("created_by"),
                name: row.get("name"),
            });
        }
    }
    Ok(origins)
}
