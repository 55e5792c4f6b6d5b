//! Applications: assigned to users, rolled out by pushes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drover_domain::{
    AssignmentId, JobId, ModelType, OrganisationId, Os, Platform, Relationship, TenantId,
    catalogue::{Assigned, Entry, Reach, Rollout},
};
use tokio_postgres::Row;

use super::{Details, PAGE, Release, is_full, release};
use crate::{GenericClient, StoreError, UnknownWord, applications::locking::number, sql};

/// What assignments of one application share.
struct Application {
    package: String,
    os: Os,
    version_number: i64,
    models: Vec<ModelType>,
    release: Arc<Release>,
}

/// The live assignments of applications that devices can download from here.
pub(super) async fn entries(client: &impl GenericClient, tenant: TenantId) -> Result<Vec<Entry<Details>>, StoreError> {
    // Users who are named one by one are looked up with each check: a catalogue does not grow with them.
    const SQL: &str = "/* catalogue::assigned::entries */ SELECT s.*, q.settings, t.*
        FROM (SELECT id, application_id, organisation_id, relationships, is_required, policy_id,
                (extract(epoch FROM start_at) * 1000)::bigint AS begins_at_ms
            FROM assignments WHERE tenant_id = $1 AND application_id IS NOT NULL AND ended_at IS NULL
                AND id > $2 ORDER BY id LIMIT $3) s
        LEFT JOIN LATERAL (SELECT settings::text AS settings FROM app_policies WHERE id = s.policy_id AND is_enabled OFFSET 0) q
            ON true
        CROSS JOIN LATERAL (SELECT COALESCE(array_agg(target_id ORDER BY target_id) FILTER (WHERE kind = 'group'), '{}') AS groups,
                COALESCE(array_agg(target_id ORDER BY target_id) FILTER (WHERE kind = 'label'), '{}') AS labels,
                COALESCE(bool_or(kind = 'default_group'), false) AS is_for_default_group
            FROM assignment_targets WHERE assignment_id = s.id AND kind IN ('group', 'label', 'default_group') OFFSET 0) t
        ORDER BY s.id";
    let mut rollouts = rollouts(client, tenant).await?;
    let mut applications = BTreeMap::new();
    let (mut entries, mut after) = (Vec::new(), 0_i64);
    loop {
        let rows = sql::query(client, SQL, &[&tenant.0, &after, &PAGE]).await?;
        learn(client, &mut applications, &rows).await?;
        for row in &rows {
            if let Some(Some(application)) = applications.get(&row.get::<_, i64>("application_id")) {
                let rollouts = rollouts.remove(&row.get::<_, i64>("id")).unwrap_or_default();
                entries.push(entry(row, application, rollouts)?);
            }
        }
        match rows.last() {
            Some(last) if is_full(&rows) => after = last.get("id"),
            _ => return Ok(entries),
        }
    }
}

/// Pushes that carry out assignments and have yet to begin or to look at some of whom they are for, by assignment. What
/// Drover itself pushes, to single devices, rolls nothing out.
async fn rollouts(client: &impl GenericClient, tenant: TenantId) -> Result<BTreeMap<i64, Vec<Rollout>>, StoreError> {
    const SQL: &str = "/* catalogue::assigned::rollouts */ SELECT j.*,
            j.state = 'paused' AS is_paused,
            j.state <> 'scheduled' AND NOT EXISTS (SELECT FROM audiences
                WHERE job_id = j.id AND kind = 'users' AND planned_at IS NULL OFFSET 0) AS is_planned
        FROM (SELECT id, assignment_id, state, COALESCE(expires_at <= now(), false) AS is_over FROM jobs
            WHERE tenant_id = $1 AND kind = 'push' AND assignment_id IS NOT NULL AND operator_id IS NOT NULL
                AND state IN ('scheduled', 'running', 'paused') AND id > $2 ORDER BY id LIMIT $3) j
        ORDER BY j.id";
    let mut found: BTreeMap<i64, Vec<Rollout>> = BTreeMap::new();
    let mut after = 0_i64;
    loop {
        let rows = sql::query(client, SQL, &[&tenant.0, &after, &PAGE]).await?;
        for row in rows.iter().filter(|row| !row.get::<_, bool>("is_over")) {
            let (is_planned, is_paused): (bool, bool) = (row.get("is_planned"), row.get("is_paused"));
            // One that has given everybody a command keeps nobody waiting any more, unless it is held.
            if is_planned && !is_paused {
                continue;
            }
            let job = JobId(row.get("id"));
            let rollout = Rollout { job, organisations: None, is_planned, is_paused, is_forced: false };
            found.entry(row.get("assignment_id")).or_default().push(rollout);
        }
        match rows.last() {
            Some(last) if is_full(&rows) => after = last.get("id"),
            _ => return Ok(found),
        }
    }
}

/// Reads the applications of assignments that are not known yet. One that is being removed, or that the store brings, has
/// nothing to offer.
async fn learn(
    client: &impl GenericClient,
    known: &mut BTreeMap<i64, Option<Application>>,
    assignments: &[Row],
) -> Result<(), StoreError> {
    const SQL: &str = "/* catalogue::assigned::learn */ SELECT a.*, p.name AS package, p.platform, r.*, f.md5, NULL::text AS qr_key,
            i.file_name AS icon_name
        FROM unnest($1::bigint[]) AS given (id)
        CROSS JOIN LATERAL (SELECT id AS application_id, package_id, release_id, name, description, model_types FROM applications
            WHERE id = given.id AND removing_at IS NULL AND deleted_at IS NULL AND itunes_store_id IS NULL OFFSET 0) a
        CROSS JOIN LATERAL (SELECT name, platform FROM packages WHERE id = a.package_id OFFSET 0) p
        CROSS JOIN LATERAL (SELECT file_id, icon_id, COALESCE(file_name, '') AS file_name, version_name, version_number, size_bytes
            FROM app_releases WHERE id = a.release_id AND file_id IS NOT NULL OFFSET 0) r
        CROSS JOIN LATERAL (SELECT md5 FROM files WHERE id = r.file_id OFFSET 0) f
        LEFT JOIN LATERAL (SELECT file_name FROM files WHERE id = r.icon_id OFFSET 0) i ON true";
    let named = assignments.iter().map(|row| row.get::<_, i64>("application_id"));
    let unknown: BTreeSet<i64> = named.filter(|id| !known.contains_key(id)).collect();
    let unknown: Vec<i64> = unknown.into_iter().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    known.extend(unknown.iter().map(|id| (*id, None)));
    for row in sql::query(client, SQL, &[&unknown]).await? {
        let id = row.get("application_id");
        known.insert(id, Some(application(&row)?));
    }
    Ok(())
}

fn application(row: &Row) -> Result<Application, StoreError> {
    let models: Vec<i16> = row.get("model_types");
    Ok(Application {
        package: row.get("package"),
        os: number(row, "platform", Platform::from_code)?.os(),
        version_number: row.get("version_number"),
        models: codes(models, "model_types", ModelType::from_code)?,
        release: Arc::new(release(row)),
    })
}

fn entry(row: &Row, application: &Application, rollouts: Vec<Rollout>) -> Result<Entry<Details>, StoreError> {
    let of_default_group: bool = row.get("is_for_default_group");
    let settings: Option<&str> = row.get("settings");
    Ok(Entry {
        package: application.package.clone(),
        os: application.os,
        version_code: application.version_number,
        reach: Reach::Assigned(Assigned {
            assignment: AssignmentId(row.get("id")),
            groups: row.get("groups"),
            labels: row.get("labels"),
            default_group_of: of_default_group.then(|| OrganisationId(row.get("organisation_id"))),
            relationships: codes(row.get("relationships"), "relationships", Relationship::from_code)?,
            models: application.models.clone(),
            begins_at_ms: row.get("begins_at_ms"),
            is_required: row.get("is_required"),
        }),
        rollouts,
        details: Details { release: Arc::clone(&application.release), settings: settings.map(Arc::from) },
    })
}

fn codes<T>(codes: Vec<i16>, column: &'static str, read: fn(i16) -> Option<T>) -> Result<Vec<T>, UnknownWord> {
    let known = |code: i16| read(code).ok_or_else(|| UnknownWord { column, word: code.to_string() });
    codes.into_iter().map(known).collect()
}
