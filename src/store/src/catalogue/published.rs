//! Versions of client programs: published to organisations, rolled out by distributions.

use std::{collections::BTreeMap, sync::Arc};

use drover_domain::{
    JobId, JobKind, OrganisationId, Os, TenantId, UiFamily,
    catalogue::{Entry, Place, Reach, Rollout},
};
use tokio_postgres::Row;

use super::{Details, PAGE, is_full, release};
use crate::{GenericClient, StoreError, UnknownWord, rows::word, sql};

/// The jobs of a version.
#[derive(Default)]
struct Jobs {
    places: Vec<Place>,
    rollouts: Vec<Rollout>,
}

/// The versions that devices themselves are offered somewhere.
pub(super) async fn entries(client: &impl GenericClient, tenant: TenantId) -> Result<Vec<Entry<Details>>, StoreError> {
    let mut jobs = jobs(client, tenant).await?;
    jobs.retain(|_, jobs| !jobs.places.is_empty());
    let versions: Vec<i64> = jobs.keys().copied().collect();
    let mut entries = Vec::with_capacity(versions.len());
    for page in versions.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
        for row in versions_of(client, tenant, page).await? {
            let updated_at: chrono::DateTime<chrono::Utc> = row.get("updated_at");
            let id: i64 = row.get("id");
            let jobs = jobs.remove(&id).unwrap_or_default();
            entries.push((updated_at, id, entry(&row, jobs)?));
        }
    }
    // Of two programs with the same package and number, the one that was uploaded last counts, as in `clients::offers`.
    entries.sort_by_key(|(updated_at, id, _)| (*updated_at, *id));
    Ok(entries.into_iter().map(|(_, _, entry)| entry).collect())
}

/// Publications and distributions that have not ended, by version.
async fn jobs(client: &impl GenericClient, tenant: TenantId) -> Result<BTreeMap<i64, Jobs>, StoreError> {
    // What the clock has ended counts no more, whether or not the timekeeper has been there. A publication has an audience for
    // each organisation, with an end of its own.
    const SQL: &str = "/* catalogue::published::jobs */ SELECT j.*, a.*
        FROM (SELECT id, kind, client_version_id, force AND state <> 'paused' AS force, state = 'paused' AS is_paused, expires_at,
                COALESCE(expires_at <= now(), false) OR kind = 'publish' AND state <> 'running' AS is_over
            FROM jobs WHERE tenant_id = $1 AND kind IN ('publish', 'distribute')
                AND state IN ('scheduled', 'running', 'paused') AND id > $2 ORDER BY id LIMIT $3) j
        CROSS JOIN LATERAL (SELECT COALESCE(array_agg(organisation_id), '{}') AS organisations,
                COALESCE(array_agg((extract(epoch FROM LEAST(expires_at, j.expires_at)) * 1000)::bigint), '{}') AS ends_ms,
                COALESCE(bool_and(planned_at IS NOT NULL), true) AS is_planned
            FROM audiences WHERE job_id = j.id AND organisation_id IS NOT NULL OFFSET 0) a
        ORDER BY j.id";
    let mut found: BTreeMap<i64, Jobs> = BTreeMap::new();
    let mut after = 0_i64;
    loop {
        let rows = sql::query(client, SQL, &[&tenant.0, &after, &PAGE]).await?;
        for row in rows.iter().filter(|row| !row.get::<_, bool>("is_over")) {
            note(row, found.entry(row.get("client_version_id")).or_default())?;
        }
        match rows.last() {
            Some(last) if is_full(&rows) => after = last.get("id"),
            _ => return Ok(found),
        }
    }
}

fn note(row: &Row, jobs: &mut Jobs) -> Result<(), StoreError> {
    let organisations = row.get::<_, Vec<i64>>("organisations").into_iter().map(OrganisationId);
    if word(row, "kind", JobKind::parse)? == JobKind::Publish {
        let ends: Vec<i64> = row.get("ends_ms");
        let place = |(organisation, ends_at_ms)| Place { organisation, ends_at_ms };
        jobs.places.extend(organisations.zip(ends).map(place));
    } else {
        jobs.rollouts.push(Rollout {
            job: JobId(row.get("id")),
            organisations: Some(organisations.collect()),
            is_planned: row.get("is_planned"),
            is_paused: row.get("is_paused"),
            is_forced: row.get("force"),
        });
    }
    Ok(())
}

/// Those of these versions that were not withdrawn and are for devices themselves.
async fn versions_of(client: &impl GenericClient, tenant: TenantId, ids: &[i64]) -> Result<Vec<Row>, StoreError> {
    const SQL: &str = "/* catalogue::published::versions_of */ SELECT v.*, g.name, g.ui_family, g.os,
            CASE WHEN g.qr_version_id = v.id THEN g.download_key END AS qr_key, f.md5, f.size_bytes, i.file_name AS icon_name
        FROM unnest($2::bigint[]) AS given (id)
        CROSS JOIN LATERAL (SELECT id, group_id, file_id, icon_id, package_name, app_name AS file_name, version_code, version_name,
                update_info AS description, updated_at
            FROM client_versions WHERE id = given.id AND tenant_id = $1 AND void_at IS NULL OFFSET 0) v
        CROSS JOIN LATERAL (SELECT name, ui_family, os, qr_version_id, download_key FROM client_groups
            WHERE id = v.group_id AND terminal_class = '0' OFFSET 0) g
        CROSS JOIN LATERAL (SELECT md5, size_bytes FROM files WHERE id = v.file_id OFFSET 0) f
        LEFT JOIN LATERAL (SELECT file_name FROM files WHERE id = v.icon_id OFFSET 0) i ON true";
    sql::query(client, SQL, &[&tenant.0, &ids]).await
}

fn entry(row: &Row, jobs: Jobs) -> Result<Entry<Details>, StoreError> {
    let os: i32 = row.get("os");
    Ok(Entry {
        package: row.get("package_name"),
        os: Os::from_code(os).ok_or_else(|| UnknownWord { column: "os", word: os.to_string() })?,
        version_code: row.get::<_, i32>("version_code").into(),
        reach: Reach::Published {
            places: jobs.places,
            labels: word(row, "ui_family", |text| UiFamily::parse(text).ok())?,
        },
        rollouts: jobs.rollouts,
        details: Details { release: Arc::new(release(row)), settings: None },
    })
}
