//! A job that is on its way, made behind the scenes.

use crate::world::World;

/// A firmware job of acme with commands that succeeded, failed and wait. Returns its number.
pub(crate) async fn job(world: &World, devices: i64) -> i64 {
    let tenant = world.admin.operator.tenant.0;
    let client = world.client().await;
    let sql = format!(
        "INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
            VALUES (1, {tenant}, 'meter', 'mqtt', ''::bytea);
        INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            OVERRIDING SYSTEM VALUE VALUES (1, {tenant}, 1, 'fw', '2.0', 'f', 'p', 1, repeat('0', 64), repeat('0', 32));
        INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
            job_timeout_s, created_by, trace_context, started_at, expires_at) OVERRIDING SYSTEM VALUE
            VALUES (4001, {tenant}, 1, 1, 'firmware', 'night <run>', 'running', 2, 60, 3600, 'ann', '',
                now() - interval '1 minute', now() + interval '1 hour');
        INSERT INTO audiences (job_id, kind, created_by, planned_at) VALUES (4001, 'product', 'ann', now());
        INSERT INTO devices (id, tenant_id, product_id, uuid, name, sn) OVERRIDING SYSTEM VALUE
            SELECT n, {tenant}, 1, 'd-' || lpad(n::text, 5, '0'), '=1+1', 'SN' || n FROM generate_series(1, {devices}) AS n;
        INSERT INTO commands (job_id, device_id, state, prior_state, finished_at, version_before)
            SELECT 4001, n, CASE n % 3 WHEN 0 THEN 'failed' WHEN 1 THEN 'succeeded' ELSE 'planned' END, 'sent',
                CASE WHEN n % 3 < 2 THEN now() END, '1.0' FROM generate_series(1, {devices}) AS n;
        INSERT INTO outcomes (job_id, device_id, attempt, outcome, code, message)
            SELECT 4001, n, 1, CASE n % 3 WHEN 0 THEN 'failed' ELSE 'succeeded' END, CASE n % 3 WHEN 0 THEN 'E_\"DISK' END, 'full, \"very\"'
            FROM generate_series(1, {devices}) AS n WHERE n % 3 < 2;
        INSERT INTO job_tallies (job_id, shard, state, count)
            SELECT 4001, 0, state, count(*) FROM commands WHERE job_id = 4001 GROUP BY state;
        INSERT INTO failure_tallies (job_id, shard, outcome, code, attempt, count)
            SELECT 4001, 0, outcome, code, 1, count(*) FROM outcomes WHERE outcome = 'failed' GROUP BY outcome, code;
        INSERT INTO job_samples (job_id, sampled_at, planned, queued, under_way, succeeded, failed)
            VALUES (4001, now() - interval '30 s', {devices}, 0, 0, 0, 0)"
    );
    client.batch_execute(&sql).await.unwrap();
    4001
}
