//! An application of acme that was pushed to a device, in whatever state.

use crate::world::World;

/// What a device is told by, and what it answers with.
pub(crate) const TOKEN: &str = "a token of 256 random bits, or so";

/// An application of an organisation, with one release; `number` 0 is a version that is no number.
pub(crate) async fn application(world: &World, organisation: &str, package: &str, number: i64) -> i64 {
    const SQL: &str = "WITH o AS (SELECT id, tenant_id FROM organisations WHERE code = $1 AND tenant_id = $2),
        p AS (INSERT INTO packages (tenant_id, platform, name) SELECT tenant_id, 1, $3 FROM o
            ON CONFLICT (tenant_id, platform, name) DO UPDATE SET name = excluded.name RETURNING id)
        INSERT INTO applications (tenant_id, organisation_id, package_id, type, name)
            SELECT o.tenant_id, o.id, p.id, 1, '应用 ' || $3 FROM o, p RETURNING id";
    let client = world.client().await;
    let tenant = world.admin.operator.tenant.0;
    let id: i64 = client.query_one(SQL, &[&organisation, &tenant, &package]).await.unwrap().get(0);
    let release =
        "WITH r AS (INSERT INTO app_releases (application_id, version_name, version_code, version_number, size_bytes)
            VALUES ($1, $2::bigint || '.0', $2::bigint, $2, 2048) RETURNING id)
        UPDATE applications SET release_id = r.id FROM r WHERE applications.id = $1";
    client.execute(release, &[&id, &number]).await.unwrap();
    id
}

/// A required push to a device by the tenant's administrator, whose command stands there.
pub(crate) async fn push(world: &World, application: i64, device: i64, (state, prior): (&str, &str)) -> i64 {
    const SQL: &str = "WITH s AS (INSERT INTO assignments (tenant_id, application_id, organisation_id, operator_id, is_required, relationships)
            SELECT tenant_id, id, organisation_id, $2, true, '{1,2,3}' FROM applications WHERE id = $1 RETURNING id)
        INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, started_at,
            expires_at, push_action, application_id, package_id, release_id, assignment_id, operator_id)
        SELECT a.tenant_id, 'push', 'push', 'running', 0, 3600, 86400, '', now(), now() + interval '1 day', 'install', a.id,
            a.package_id, a.release_id, s.id, $2 FROM applications a, s WHERE a.id = $1 RETURNING id";
    let client = world.client().await;
    let operator = world.admin.operator.id.0;
    let job: i64 = client.query_one(SQL, &[&application, &operator]).await.unwrap().get(0);
    let ended = ["succeeded", "failed", "timed_out", "rejected", "cancelled", "superseded"].contains(&state);
    let command = "INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at, finished_at)
        VALUES ($1, $2, $3, $4, CASE WHEN NOT $5 AND $3 <> 'planned' THEN now() END, CASE WHEN $5 THEN now() END)";
    client.execute(command, &[&job, &device, &state, &prior, &ended]).await.unwrap();
    let install = "INSERT INTO app_installs (application_id, device_id, job_id, is_installed, installed_number, installed_name)
        SELECT a.id, $2, $3, $4, CASE WHEN $4 THEN r.version_number ELSE 0 END, CASE WHEN $4 THEN r.version_name ELSE '' END
        FROM applications a JOIN app_releases r ON r.id = a.release_id WHERE a.id = $1
        ON CONFLICT (application_id, device_id) DO UPDATE SET job_id = excluded.job_id";
    client.execute(install, &[&application, &device, &job, &(state == "succeeded")]).await.unwrap();
    job
}

/// A device of an organisation that can log in with [`TOKEN`].
pub(crate) async fn device(world: &World, uuid: &str, organisation: &str) -> i64 {
    let id = world.device(uuid, organisation).await;
    let client = world.client().await;
    client
        .execute("UPDATE devices SET relationship = 1, device_type = 10, online_at = now() WHERE id = $1", &[&id])
        .await
        .unwrap();
    let sql = "INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
        SELECT tenant_id, 'device', uuid, id, sha256($2::text::bytea) FROM devices WHERE id = $1";
    client.execute(sql, &[&id, &TOKEN]).await.unwrap();
    id
}
