//! Who is given an application or a list, or is relieved of one.

use drover_domain::{JobId, OrganisationId, PushAction};

use super::{
    Making, PlannedChunk,
    walk::{self, Place},
};
use crate::{
    GenericClient, StoreError, Tx,
    pushing::{
        assignments::{Subject, Targets},
        pushes::Push,
    },
    sql,
};

/// On whose devices a push acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushAudience {
    /// Those of these users, and of the users of these groups and labels.
    Users(Targets),
    /// Those that were given what the push is about.
    Holders,
    /// These.
    Devices(Vec<i64>),
}

/// Notes on whose devices a push acts. The default group is that of `organisation`.
pub async fn insert_push(
    tx: &Tx<'_>,
    job: JobId,
    audience: &PushAudience,
    organisation: OrganisationId,
    created_by: &str,
) -> Result<(), StoreError> {
    const USERS: &str = "/* audiences::insert_push users */
        INSERT INTO audiences (job_id, kind, user_ids, group_ids, label_ids, default_group_of, created_by)
        VALUES ($1, 'users', $2, $3, $4, $5, $6)";
    const HOLDERS: &str = "/* audiences::insert_push holders */
        INSERT INTO audiences (job_id, kind, created_by) VALUES ($1, 'holders', $2)";
    const DEVICES: &str = "/* audiences::insert_push devices */
        INSERT INTO audiences (job_id, kind, device_ids, created_by)
        VALUES ($1, 'devices', ARRAY(SELECT DISTINCT id FROM unnest($2::bigint[]) AS given (id) ORDER BY id), $3)";
    match audience {
        PushAudience::Users(Targets { users, groups, labels, default_group }) => {
            let nobody: &[i64] = &[];
            if !(users.is_empty() && groups.is_empty() && labels.is_empty()) {
                let none: Option<i64> = None;
                sql::execute(tx, USERS, &[&job.0, users, groups, labels, &none, &created_by]).await?;
            }
            // An audience of its own, as it is walked in another order. A device in both gets one command.
            if *default_group {
                let of = Some(organisation.0);
                sql::execute(tx, USERS, &[&job.0, &nobody, &nobody, &nobody, &of, &created_by]).await?;
            }
        }
        PushAudience::Holders => {
            sql::execute(tx, HOLDERS, &[&job.0, &created_by]).await?;
        }
        PushAudience::Devices(devices) => {
            sql::execute(tx, DEVICES, &[&job.0, devices, &created_by]).await?;
        }
    }
    Ok(())
}

/// Makes commands of the next devices of the push's first unplanned audience; `None` when every audience is planned. The caller
/// holds the job's lock and its line's.
pub async fn plan_push_chunk(
    tx: &Tx<'_>,
    job: JobId,
    push: Push,
    making: Making,
) -> Result<Option<PlannedChunk>, StoreError> {
    const NEXT: &str = "/* audiences::plan_push_chunk next */ SELECT id, kind, planned_to, planned_user_id,
            planned_organisation_id, default_group_of FROM audiences
        WHERE job_id = $1 AND planned_at IS NULL ORDER BY id LIMIT 1";
    let Some(next) = sql::query_opt(tx, NEXT, &[&job.0]).await? else { return Ok(None) };
    let (audience, kind): (i64, &str) = (next.get("id"), next.get("kind"));
    let from = Place {
        organisation: next.get("planned_organisation_id"),
        user: next.get::<_, Option<i64>>("planned_user_id").unwrap_or(0),
        device: next.get("planned_to"),
    };
    let step = match (kind, next.get::<_, Option<i64>>("default_group_of")) {
        ("users", Some(root)) => walk::default_group(tx, OrganisationId(root), from, making.limit).await?,
        ("users", None) => walk::named(tx, audience, from, making.limit).await?,
        (kind, _) => listed_or_holding(tx, audience, kind, push.subject, from.device, making.limit).await?,
    };
    advance(tx, audience, step.next).await?;
    let mut chosen = step.devices;
    chosen.sort_unstable();
    let release_s = making.release.map(|lease| lease.as_secs_f64());
    let made = sql::query_one(tx, statement(push.action), &[&job.0, &chosen, &making.retry_limit, &release_s]).await?;
    Ok(Some(PlannedChunk { devices: made.get(0), is_range: false }))
}

/// The next devices of a list, or of those that have a row about the subject.
async fn listed_or_holding(
    client: &impl GenericClient,
    audience: i64,
    kind: &str,
    subject: Subject,
    after: i64,
    limit: i64,
) -> Result<walk::Step, StoreError> {
    const LISTED: &str =
        "/* audiences::plan_push_chunk devices */ SELECT u.id FROM audiences a, unnest(a.device_ids) AS u (id)
        WHERE a.id = $1 AND u.id > $2 ORDER BY u.id LIMIT $3";
    const OF_APPLICATION: &str = "/* audiences::plan_push_chunk application */ SELECT device_id FROM app_installs
        WHERE application_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3";
    const OF_RESTRICTION: &str =
        "/* audiences::plan_push_chunk restriction */ SELECT device_id FROM restriction_installs
        WHERE restriction_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3";
    let (statement, id) = match (kind, subject) {
        ("devices", _) => (LISTED, audience),
        (_, Subject::Application(application)) => (OF_APPLICATION, application.0),
        (_, Subject::Restriction(restriction)) => (OF_RESTRICTION, restriction.0),
    };
    let devices: Vec<i64> =
        sql::query(client, statement, &[&id, &after, &limit]).await?.iter().map(|row| row.get(0)).collect();
    let is_full = i64::try_from(devices.len()).is_ok_and(|found| found >= limit);
    let next = devices.last().filter(|_| is_full).map(|device| Place { device: *device, ..Place::default() });
    Ok(walk::Step { devices, next })
}

async fn advance(tx: &Tx<'_>, audience: i64, next: Option<Place>) -> Result<(), StoreError> {
    const ON: &str = "/* audiences::plan_push_chunk advance */ UPDATE audiences
        SET planned_organisation_id = $2, planned_user_id = $3, planned_to = $4 WHERE id = $1";
    const DONE: &str = "/* audiences::plan_push_chunk done */ UPDATE audiences SET planned_at = now() WHERE id = $1";
    match next {
        Some(Place { organisation, user, device }) => {
            sql::execute(tx, ON, &[&audience, &organisation, &user, &device]).await?;
        }
        None => {
            sql::execute(tx, DONE, &[&audience]).await?;
        }
    }
    Ok(())
}

/// Commands of those of the given devices that `$chosen` finds free. Everything there is one look-up a device: OFFSET keeps the
/// planner from joining whole tables when its statistics are old.
macro_rules! insert_from {
    ($name:literal, $chosen:expr) => {
        concat!(
            "/* audiences::plan_push_chunk ",
            $name,
            " */ WITH chosen AS (",
            $chosen,
            "), made AS (
                INSERT INTO commands (job_id, device_id, retries_left, version_before, state, deadline_at)
                SELECT $1, id, $3, version_before, CASE WHEN $4::float8 IS NULL THEN 'planned' ELSE 'queued' END,
                    now() + make_interval(secs => $4)
                FROM chosen WHERE is_free ORDER BY id
                ON CONFLICT (job_id, device_id) DO NOTHING RETURNING device_id
            ) SELECT ARRAY(SELECT device_id FROM made ORDER BY device_id)"
        )
    };
}

/// The given devices.
macro_rules! devices {
    () => {
        " CROSS JOIN unnest($2::bigint[]) AS given (id) CROSS JOIN LATERAL (
            SELECT id, status, os, relationship, device_type, leaving_until FROM devices WHERE id = given.id OFFSET 0) d "
    };
}

/// Whether the device has no command of this line of which `$is_enough` holds, nor one of a newer push: who pushed last has the
/// last word, also when an older push is still being planned. In it, `c` is the command and `o` its job.
macro_rules! has_none {
    ($line:literal, $is_enough:literal) => {
        concat!(
            "NOT EXISTS (SELECT FROM commands c CROSS JOIN LATERAL (
                SELECT state, push_action, release_id, restriction_revision, assignment_id FROM jobs
                WHERE id = c.job_id AND ",
            $line,
            " OFFSET 0) o WHERE c.device_id = d.id AND c.job_id <> j.id AND (c.job_id > j.id
                OR c.finished_at IS NULL AND c.state <> 'cancelling' AND o.state NOT IN ('cancelled', 'aborted') AND ",
            $is_enough,
            ") OFFSET 0)"
        )
    };
}

/// Whether the device was told to let go of this line and has not answered: what it has now is no reason to pass it by.
macro_rules! is_going {
    ($line:literal, $takes_away:literal) => {
        concat!(
            "EXISTS (SELECT FROM commands c CROSS JOIN LATERAL (SELECT FROM jobs WHERE id = c.job_id AND ",
            $line,
            " AND push_action = '",
            $takes_away,
            "' OFFSET 0) o WHERE c.device_id = d.id AND c.finished_at IS NULL OFFSET 0)"
        )
    };
}

/// Whether the newest push `newest` may have left something on the device: one that brings unless it ended before it reached
/// the device, one that takes away unless it succeeded.
macro_rules! may_have {
    ($brings:literal) => {
        concat!(
            "(CASE newest.push_action WHEN '",
            $brings,
            "' THEN newest.finished_at IS NULL OR newest.sent_at IS NOT NULL OR newest.attempt > 1
                ELSE newest.state <> 'succeeded' END)"
        )
    };
}

/// The newest push of what is in the row `i`, as far as this device is concerned.
macro_rules! newest {
    () => {
        " LEFT JOIN LATERAL (SELECT o.push_action, c.finished_at, c.sent_at, c.attempt, c.state
            FROM commands c, jobs o WHERE c.job_id = i.job_id AND c.device_id = d.id AND o.id = i.job_id OFFSET 0) newest ON true "
    };
}

macro_rules! os_of {
    ($platform:literal) => {
        concat!("d.os IS NOT DISTINCT FROM CASE ", $platform, " WHEN 1 THEN 51201 ELSE 51202 END")
    };
}

const fn statement(action: PushAction) -> &'static str {
    // A device of which nobody said whose it is counts as somebody else's, one of which nobody said what kind it is fits. What
    // an assignment brings that has ended since is a newer one's, or nobody's any more.
    const INSTALL: &str = insert_from!(
        "install",
        concat!(
            "SELECT d.id, COALESCE(NULLIF(i.installed_name, ''), NULLIF(i.installed_number, 0)::text, '') AS version_before,
                d.status <> 'deregistered' AND ",
            os_of!("p.platform"),
            " AND s.ended_at IS NULL AND COALESCE(d.relationship, 3) = ANY(s.relationships)
                AND (p.platform = 1 OR a.model_types = '{}' OR COALESCE(d.device_type = ANY(a.model_types), true))
                AND (NOT COALESCE(i.is_installed AND i.installed_number >= r.version_number
                    AND (r.version_number > 0 OR i.installed_name = r.version_name), false) OR ",
            is_going!("package_id = j.package_id", "uninstall"),
            ")
                AND ",
            has_none!(
                "package_id = j.package_id",
                "o.push_action = 'install' AND o.release_id = j.release_id
                    AND (NOT s.is_required OR (SELECT t.is_required FROM assignments t WHERE t.id = o.assignment_id))"
            ),
            " AS is_free
            FROM jobs j JOIN packages p ON p.id = j.package_id JOIN applications a ON a.id = j.application_id
            JOIN app_releases r ON r.id = j.release_id JOIN assignments s ON s.id = j.assignment_id",
            devices!(),
            "LEFT JOIN LATERAL (SELECT is_installed, installed_number, installed_name FROM app_installs
                WHERE application_id = j.application_id AND device_id = d.id OFFSET 0) i ON true
            WHERE j.id = $1"
        )
    );
    // A device that is leaving is told for as long as it may log in.
    const UNINSTALL: &str = insert_from!(
        "uninstall",
        concat!(
            "SELECT d.id, COALESCE(NULLIF(i.installed_name, ''), NULLIF(i.installed_number, 0)::text, '') AS version_before,
                (d.status <> 'deregistered' OR COALESCE(d.leaving_until > now(), false))
                AND (i.is_installed
                    OR i.removed_at IS NULL AND COALESCE(",
            may_have!("install"),
            ", false) OR newest.finished_at IS NULL AND newest.state IS NOT NULL)
                AND ",
            has_none!("package_id = j.package_id", "o.push_action = 'uninstall'"),
            " AS is_free
            FROM jobs j JOIN packages p ON p.id = j.package_id",
            devices!(),
            "JOIN LATERAL (SELECT job_id, is_installed, installed_number, installed_name, removed_at FROM app_installs
                WHERE application_id = j.application_id AND device_id = d.id OFFSET 0) i ON true",
            newest!(),
            "WHERE j.id = $1"
        )
    );
    const APPLY: &str = insert_from!(
        "apply",
        concat!(
            "SELECT d.id, COALESCE(NULLIF(i.revision, 0)::text, '') AS version_before,
                d.status <> 'deregistered' AND ",
            os_of!("l.platform"),
            " AND s.ended_at IS NULL AND COALESCE(d.relationship, 3) = ANY(s.relationships)
                AND (COALESCE(i.revision, 0) < j.restriction_revision OR ",
            is_going!("restriction_id = j.restriction_id", "remove"),
            ")
                AND ",
            has_none!(
                "restriction_id = j.restriction_id",
                "o.push_action = 'apply' AND o.restriction_revision >= j.restriction_revision"
            ),
            " AS is_free
            FROM jobs j JOIN restrictions l ON l.id = j.restriction_id JOIN assignments s ON s.id = j.assignment_id",
            devices!(),
            "LEFT JOIN LATERAL (SELECT revision FROM restriction_installs
                WHERE restriction_id = j.restriction_id AND device_id = d.id OFFSET 0) i ON true
            WHERE j.id = $1"
        )
    );
    const REMOVE: &str = insert_from!(
        "remove",
        concat!(
            "SELECT d.id, COALESCE(NULLIF(i.revision, 0)::text, '') AS version_before,
                (d.status <> 'deregistered' OR COALESCE(d.leaving_until > now(), false))
                AND (i.revision > 0 OR COALESCE(",
            may_have!("apply"),
            ", false))
                AND ",
            has_none!("restriction_id = j.restriction_id", "o.push_action = 'remove'"),
            " AS is_free
            FROM jobs j",
            devices!(),
            "JOIN LATERAL (SELECT job_id, revision FROM restriction_installs
                WHERE restriction_id = j.restriction_id AND device_id = d.id OFFSET 0) i ON true",
            newest!(),
            "WHERE j.id = $1"
        )
    );
    match action {
        PushAction::Install => INSTALL,
        PushAction::Uninstall => UNINSTALL,
        PushAction::Apply => APPLY,
        PushAction::Remove => REMOVE,
    }
}
