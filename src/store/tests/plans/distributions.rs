//! The planning of a distribution costs what its devices cost, however many organisations they are in.

use drover_domain::JobId;
use drover_store::{
    Store,
    audiences::{self, Making},
};
use drover_testkit::TestDatabase;

use crate::world::store;

const ORGANISATIONS: i64 = 450;
const DEVICES: i64 = 900;

/// Two tenants with wide trees, every second organisation being the first one's, and a job for all devices of the first.
async fn filled() -> (Store, TestDatabase, JobId) {
    let (store, database) = store().await;
    let client = store.client().await.unwrap();
    let job = "INSERT INTO jobs (tenant_id, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
        started_at, expires_at, client_version_id, client_group_id, organisation_id, kind, publication_id)
        SELECT 1, 'j', 'running', 0, 1, 1, '', now(), now() + interval '1 day', 1, 1, 1";
    client
        .batch_execute(&format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme'), (2, 'other');
             INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
                SELECT n, t, CASE WHEN n > t THEN t END, 'o' || n, 'o', CASE WHEN n > t THEN '/' || t ELSE '' END || '/' || n || '/'
                FROM generate_series(1, 2 * {ORGANISATIONS}) AS n, LATERAL (SELECT 2 - n % 2 AS t) given;
             INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                VALUES ('00000000-0000-0000-0000-000000000001', 1, repeat('0', 64), repeat('0', 32), 1, 'f', 'p');
             INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'g', 'g', '0', 51201, 'k');
             INSERT INTO client_versions (id, tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
                OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, '00000000-0000-0000-0000-000000000001', 'p', 'f', 2, '2');
             {job}, 'publish', NULL;
             {job}, 'distribute', max(id) FROM jobs;
             INSERT INTO audiences (job_id, kind, organisation_id)
                SELECT id, 'organisation', 1 FROM jobs WHERE kind = 'distribute';
             INSERT INTO devices (id, tenant_id, organisation_id, uuid, os) OVERRIDING SYSTEM VALUE
                SELECT n, 2 - o % 2, o, 'd' || n, 51201
                FROM generate_series(1, 2 * {DEVICES}) AS n, LATERAL (SELECT 1 + n % (2 * {ORGANISATIONS}) AS o) given"
        ))
        .await
        .unwrap();
    let job = client.query_one("SELECT id FROM jobs WHERE kind = 'distribute'", &[]).await.unwrap().get(0);
    drop(client);
    (store, database, JobId(job))
}

#[tokio::test]
async fn a_wide_tree_is_walked_once() {
    for (limit, statements_max) in [(1000, 20), (7, 200)] {
        let (store, _database, job) = filled().await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let look_ups = "SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'devices'";
        let before: i64 = tx.query_one(look_ups, &[]).await.unwrap().get(0);
        let making = Making { retry_limit: 0, limit, release: None };
        let mut planned = Vec::new();
        while let Some(chunk) = audiences::plan_chunk(&tx, job, making).await.unwrap() {
            assert!(i64::try_from(chunk.devices.len()).unwrap() <= limit);
            planned.extend(chunk.devices);
        }
        planned.sort_unstable();
        let is_ours = |device: &i64| (1 + device % (2 * ORGANISATIONS)) % 2 == 1;
        assert_eq!(planned, (1..=2 * DEVICES).filter(is_ours).collect::<Vec<_>>());
        let after: i64 = tx.query_one(look_ups, &[]).await.unwrap().get(0);
        assert!(after - before < statements_max * ORGANISATIONS, "{} look-ups of devices", after - before);
    }
}
