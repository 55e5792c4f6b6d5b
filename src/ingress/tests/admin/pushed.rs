//! A job to do something to.

use crate::world::World;

/// A running job of an organisation with two devices that have failed and one that is under way.
pub(crate) async fn job(world: &World, organisation: &str) -> i64 {
    for n in 1..=3 {
        world.device(&format!("{organisation}-{n}"), organisation).await;
    }
    let sql = "WITH p AS (INSERT INTO packages (tenant_id, platform, name) SELECT id, 1, 'p' FROM tenants WHERE name = 'acme' RETURNING *),
        a AS (INSERT INTO applications (tenant_id, organisation_id, package_id, type, name)
            SELECT p.tenant_id, o.id, p.id, 1, 'a' FROM p JOIN organisations o ON o.tenant_id = p.tenant_id WHERE o.code = $1 RETURNING *),
        j AS (INSERT INTO jobs (tenant_id, organisation_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s,
                trace_context, started_at, expires_at, push_action, application_id, package_id)
            SELECT tenant_id, organisation_id, 'push', 'j', 'running', 0, 60, 600,
                '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', now(), now() + interval '1 h', 'uninstall', id, package_id
            FROM a RETURNING *),
        d AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM devices WHERE uuid LIKE $1 || '-%'),
        c AS (INSERT INTO commands (job_id, device_id, state, prior_state, finished_at, sent_at, deadline_at)
            SELECT j.id, d.id, CASE WHEN n < 3 THEN 'failed' ELSE 'sent' END, 'queued', CASE WHEN n < 3 THEN now() END, now(),
                CASE WHEN n = 3 THEN now() + interval '1 h' END FROM j, d),
        o AS (INSERT INTO outcomes (job_id, device_id, attempt, outcome, code) SELECT j.id, d.id, 1, 'failed', '10' || n FROM j, d WHERE n < 3),
        t AS (INSERT INTO job_tallies SELECT j.id, 0, s, n FROM j, (VALUES ('failed', 2), ('sent', 1)) given (s, n))
        SELECT id FROM j";
    world.client().await.query_one(sql, &[&organisation]).await.unwrap().get(0)
}
