//! A check keeps to the indexes, whatever the statistics say.

use drover_domain::{ClientGroupId, ClientVersionId, DeviceId, Os, TenantId, offer::PackageQuery};
use drover_store::{
    Store, Tx,
    clients::{device_apps, groups, offers, versions},
};
use drover_testkit::{TestDatabase, TestPostgres};

use super::world::store;

const DEVICES: i64 = 10_000;
/// Enough executions of one statement for Postgres to have tried a generic plan (its rule is five).
const ROUNDS: i64 = 8;
const TABLES: &str = "jobs, audiences, client_versions, devices, device_apps, files";

#[derive(Debug, Clone, Copy)]
enum Statistics {
    Never,
    WhenEmpty,
    Fresh,
}

/// 100 groups of 100 versions, each published twice and distributed once, and devices that run them.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let database = TestPostgres::database().await;
    let store = store(&database.url).await;
    let client = store.client().await.unwrap();
    for table in TABLES.split(", ") {
        client.batch_execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = false)")).await.unwrap();
    }
    if matches!(statistics, Statistics::WhenEmpty) {
        client.batch_execute(&format!("ANALYZE {TABLES}")).await.unwrap();
    }
    let job = "INSERT INTO jobs (tenant_id, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
        started_at, expires_at, client_version_id, client_group_id, organisation_id, kind, publication_id)
        SELECT 1, 'j', 'running', 0, 1, 1, '', now(), now() + interval '1 day', v.id, v.group_id, 1";
    client
        .batch_execute(&format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
             INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
                SELECT n, 1, CASE WHEN n > 1 THEN 1 END, 'o' || n, 'o', CASE WHEN n > 1 THEN '/1/' || n || '/' ELSE '/1/' END
                FROM generate_series(1, 1000) AS n;
             INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 1, lpad(n::text, 64, '0'), repeat('0', 32),
                    1, 'f', 'p' || n FROM generate_series(1, 10000) AS n;
             INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                OVERRIDING SYSTEM VALUE SELECT n, 1, 1, 'g', 'g' || n, CASE WHEN n % 10 = 0 THEN '1' ELSE '0' END, 51201, 'k' || n
                FROM generate_series(1, 100) AS n;
             INSERT INTO client_versions (id, tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
                OVERRIDING SYSTEM VALUE SELECT n, 1, 1 + n % 100, ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid,
                    'p' || n % 100, 'f', 1 + n / 100, '1' FROM generate_series(1, 9999) AS n;
             {job}, 'publish', NULL FROM client_versions v;
             {job}, 'publish', NULL FROM client_versions v;
             {job}, 'distribute', v.id - v.id + 3001 FROM client_versions v;
             INSERT INTO audiences (job_id, kind, organisation_id) SELECT id, 'organisation', 1 + id % 1000 FROM jobs;
             INSERT INTO devices (id, tenant_id, organisation_id, uuid, os) OVERRIDING SYSTEM VALUE
                SELECT n, 1, 1 + n % 1000, 'd' || n, 51201 FROM generate_series(1, {DEVICES}) AS n;
             INSERT INTO device_apps (device_id, package_name, version_code)
                SELECT n, 'p' || n % 100, 1 FROM generate_series(1, {DEVICES}) AS n"
        ))
        .await
        .unwrap();
    if matches!(statistics, Statistics::Fresh) {
        client.batch_execute(&format!("ANALYZE {TABLES}")).await.unwrap();
    }
    drop(client);
    (store, database)
}

async fn sequential_scans(tx: &Tx<'_>) -> i64 {
    let sql = "SELECT COALESCE(sum(seq_scan), 0)::bigint FROM pg_stat_xact_user_tables
        WHERE relname = ANY(string_to_array($1, ', '))";
    tx.query_one(sql, &[&TABLES]).await.unwrap().get(0)
}

#[tokio::test]
async fn no_check_reads_a_whole_table() {
    for statistics in [Statistics::Never, Statistics::WhenEmpty, Statistics::Fresh] {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx).await;
        for round in 1..=ROUNDS {
            let (device, tenant) = (DeviceId(round * 1000), TenantId(1));
            let asking = offers::asking_device(&tx, device).await.unwrap().unwrap();
            let group = groups::by_code(&tx, tenant, &format!("g{round}")).await.unwrap().unwrap();
            let package = versions::package(&tx, group.id).await.unwrap().unwrap();
            offers::of_group(&tx, &asking, group.id, 90).await.unwrap();
            let query = PackageQuery { os: Os::Android, package: &package, label: None, installed_code: 90 };
            offers::of_package(&tx, &asking, &query).await.unwrap();
            offers::extended_group(&tx, &asking).await.unwrap();
            offers::extended_version(&tx, &asking, ClientVersionId(round)).await.unwrap();
            assert!(device_apps::note(&tx, tenant, device, &package, 5).await.unwrap());
            assert!(!device_apps::note(&tx, tenant, device, &package, 5).await.unwrap());
            versions::package(&tx, ClientGroupId(round)).await.unwrap();
            versions::package_on_devices(&tx, ClientGroupId(round)).await.unwrap();
            assert_eq!(sequential_scans(&tx).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
