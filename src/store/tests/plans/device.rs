//! What is read of one device, and the search for devices, keep to indexes whatever the statistics say.

use drover_domain::{DeviceId, JobId, OrganisationPath, TenantId};
use drover_store::{
    people::{reach::Reach, scope::Scope},
    watching::device::{self, SearchAfter, SearchBy},
};

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const TABLES: [&str; 9] = [
    "devices",
    "commands",
    "jobs",
    "outcomes",
    "unapplied_reports",
    "device_apps",
    "restriction_installs",
    "audit_entries",
    "credentials",
];

const FILL: &str = "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
    INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'o', 'o', '/1/');
    INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
        VALUES (1, 1, 'p', 'mqtt', '');
    INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
        OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'f', '1', 'f', 'f', 1, repeat('0', 64), repeat('0', 32));
    INSERT INTO devices (id, tenant_id, product_id, uuid, name, sn, imei) OVERRIDING SYSTEM VALUE
        SELECT n, 1, 1, 'd' || n, 'name ' || n, 'sn' || n, 'i' || n FROM generate_series(1, 30000) AS n;
    INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
        SELECT 1, 'device', 'd' || n, n, '' FROM generate_series(1, 30000) AS n;
    INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
            job_timeout_s, trace_context, started_at, expires_at) OVERRIDING SYSTEM VALUE
        SELECT n, 1, 1, 1, 'firmware', 'j', 'running', 0, 60, 60, 't', now(), now() FROM generate_series(1, 10000) AS n;
    INSERT INTO commands (job_id, device_id, state, prior_state, finished_at)
        SELECT j, n, 'superseded', 'sent', now() FROM generate_series(1, 3) AS j, generate_series(1, 10000) AS n;
    INSERT INTO outcomes (job_id, device_id, attempt, outcome)
        SELECT j, n, a, 'failed' FROM generate_series(1, 3) AS j, generate_series(1, 10000) AS n, generate_series(1, 2) AS a;
    INSERT INTO unapplied_reports (job_id, device_id, attempt, status, reason)
        SELECT j, n, 1, 'failed', 'late' FROM generate_series(1, 3) AS j, generate_series(1, 10000) AS n;
    INSERT INTO device_apps (device_id, package_name, version_code)
        SELECT n, 'app' || a, 1 FROM generate_series(1, 10000) AS n, generate_series(1, 3) AS a;
    INSERT INTO restrictions (id, tenant_id, organisation_id, type, platform, name) OVERRIDING SYSTEM VALUE
        VALUES (1, 1, 1, 1, 1, 'r');
    INSERT INTO restriction_installs (restriction_id, device_id, job_id) SELECT 1, n, 1 FROM generate_series(1, 30000) AS n;
    INSERT INTO audit_entries (tenant_id, actor, via, action, subject_kind, subject)
        SELECT 1, 'a', 'api', 'job_cancelled', 'job', n::text FROM generate_series(1, 30000) AS n;";

#[tokio::test]
async fn what_is_read_of_a_device_reads_no_large_table_whole() {
    for statistics in Statistics::ALL {
        let (store, _database) = world::filled(statistics, &TABLES, FILL).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let before = sequential_scans(&tx, &TABLES).await;
        let scope = |path| Scope { tenant: TenantId(1), path: OrganisationPath::parse(path).unwrap() };
        let reaches = [Reach::Installation, Reach::Part(scope("/1/")), Reach::Part(scope("/1/2/"))];
        for round in 1..=ROUNDS {
            let id = DeviceId(round * 100);
            for (reach, is_within) in reaches.iter().zip([true, true, false]) {
                let found = device::find(&tx, reach, &format!("d{}", id.0)).await.unwrap();
                assert_eq!(found.is_some(), is_within);
                for (by, prefix) in [
                    (SearchBy::Uuid, ""),
                    (SearchBy::Uuid, "d1"),
                    (SearchBy::Sn, "sn1"),
                    (SearchBy::Imei, "i1"),
                    (SearchBy::Name, "name 1"),
                ] {
                    let start = SearchAfter::default();
                    let found = device::search(&tx, reach, (by, prefix), &start, 50).await.unwrap();
                    assert_eq!(found.devices.len(), if is_within { 50 } else { 0 }, "{by:?} {prefix}");
                    let next = found.next.unwrap();
                    device::search(&tx, reach, (by, prefix), &next, 50).await.unwrap();
                }
            }
            for (reach, is_within) in reaches.iter().zip([true, true, false]) {
                let commands = device::commands(&tx, reach, id, i64::MAX, 20).await.unwrap();
                assert_eq!(commands.len(), 3);
                assert!(commands.iter().all(|command| command.job_name.is_some() == is_within));
            }
            let jobs = [3, 2, 1];
            assert_eq!(device::outcomes(&tx, id, &jobs).await.unwrap().len(), 6);
            assert_eq!(device::unapplied(&tx, id, &jobs).await.unwrap().len(), 3);
            assert_eq!(device::apps(&tx, id).await.unwrap().len(), 3);
            assert_eq!(device::lists(&tx, id).await.unwrap().len(), 1);
            for (reach, is_within) in reaches.iter().zip([true, true, false]) {
                let standing = device::standing(&tx, reach, id, None).await.unwrap().unwrap();
                assert_eq!((standing.command.job, standing.command.superseded_by), (JobId(3), None));
                assert_eq!(standing.is_job_within, is_within);
                assert_eq!(standing.command.stopped_by.is_some(), is_within);
            }
            let older = device::standing(&tx, &reaches[0], id, Some(JobId(1))).await.unwrap().unwrap();
            assert_eq!(older.command.superseded_by, Some(JobId(2)));
            assert_eq!(sequential_scans(&tx, &TABLES).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
