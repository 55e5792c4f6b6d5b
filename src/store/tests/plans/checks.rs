//! What a device says in a check for updates is held beside what is known of it by index, however many packages it names and
//! whatever the statistics say.

use std::time::Duration;

use chrono::DateTime;
use drover_domain::{DeviceId, JobId, TenantId};
use drover_store::{
    Store,
    clients::device_apps,
    commands::proof::{self, Running},
    devices::{checks, inventories},
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const DEVICES: i64 = 20_000;
/// Packages of applications, and as many of client programs.
const PACKAGES: i64 = 3_000;
/// Even ones distribute, odd ones push.
const JOBS: i64 = 3_000;
const NAMED: i64 = 1_000;

const LARGE: [&str; 10] = [
    "commands",
    "devices",
    "device_apps",
    "app_installs",
    "device_checks",
    "jobs",
    "packages",
    "applications",
    "app_releases",
    "client_versions",
];

/// Devices that have two applications each, and two open commands and as many that ended.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "SET session_replication_role = replica;
        INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO devices (id, tenant_id, organisation_id, uuid, os) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'd' || n, 51201 FROM generate_series(1, {DEVICES}) AS n;
        INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'app' || n FROM generate_series(1, {PACKAGES}) n;
        INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name, release_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, n, 1, 'a', n FROM generate_series(1, {PACKAGES}) n;
        INSERT INTO app_releases (id, application_id, version_number, version_name) OVERRIDING SYSTEM VALUE
            SELECT n, n, 2, '2.0' FROM generate_series(1, {PACKAGES}) n;
        INSERT INTO client_versions (id, tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
            OVERRIDING SYSTEM VALUE
            SELECT n, 1, n, gen_random_uuid(), 'client' || n, 'f', 2, '2.0' FROM generate_series(1, {PACKAGES}) n;
        INSERT INTO jobs (id, tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, started_at,
                expires_at, push_action, application_id, package_id, release_id, assignment_id, client_version_id,
                client_group_id, publication_id, organisation_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, CASE WHEN pushes THEN 'push' ELSE 'distribute' END, 'j', 'running', 0, 1, 1, '', now(),
                now() + interval '1 day', CASE WHEN pushes THEN 'install' END, app, app, app, app, client, client, client, 1
            FROM generate_series(1, {JOBS}) n, LATERAL (SELECT n % 2 = 1 AS pushes) one,
                LATERAL (SELECT CASE WHEN pushes THEN n END AS app, CASE WHEN NOT pushes THEN n END AS client) other;
        INSERT INTO commands (job_id, device_id, state, deadline_at, updated_at)
            SELECT 1 + (n + k) % 10, n, 'verifying', now(), now() - interval '1 h'
            FROM generate_series(1, {DEVICES}) AS n, generate_series(0, 1) k;
        INSERT INTO commands (job_id, device_id, state, finished_at)
            SELECT 11 + (n + k) % 10, n, 'succeeded', now() FROM generate_series(1, {DEVICES}) AS n, generate_series(0, 1) k;
        INSERT INTO app_installs (application_id, device_id, job_id, is_installed, installed_number)
            SELECT 1 + (n + k) % {NAMED}, n, 1 + n % {JOBS}, true, 1 FROM generate_series(1, {DEVICES}) n, generate_series(0, 1) k;
        INSERT INTO device_apps (device_id, package_name, version_code)
            SELECT n, 'client' || k, 1 FROM generate_series(1, {DEVICES}) n, generate_series(1, 3) k;
        INSERT INTO device_checks (device_id, digest, said_at)
            SELECT n, sha256('x'), 'epoch' FROM generate_series(1, {DEVICES}, 2) n;
        SET session_replication_role = origin"
    );
    world::filled(statistics, &LARGE, &fill).await
}

#[tokio::test]
async fn a_check_that_names_a_thousand_packages_reads_no_large_table_whole() {
    let names: Vec<String> = (1..=NAMED / 2).flat_map(|n| [format!("app{n}"), format!("client{n}")]).collect();
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &LARGE).await;
        for round in 1..=ROUNDS {
            let unchanged = async |what: &str| {
                let scans = sequential_scans(&tx, &LARGE).await;
                assert_eq!(scans, before, "{what}, round {round}, statistics {statistics:?}");
            };
            let device = DeviceId(round * 7);
            let running =
                |version| -> Vec<Running<'_>> { names.iter().map(|package| Running { package, version }).collect() };
            let said_at = DateTime::from_timestamp(round, 0).unwrap();
            assert!(checks::note(&tx, device, &[7; 32], said_at).await.unwrap());
            unchanged("note").await;
            for version in [1, 2] {
                let verdicts =
                    proof::verdicts(&tx, device, &running(version), None, Duration::from_mins(1)).await.unwrap();
                let expected = [1 + (round * 7) % 10, 1 + (round * 7 + 1) % 10];
                let mut expected = expected.map(JobId);
                expected.sort_unstable();
                assert_eq!(verdicts.iter().map(|verdict| verdict.job).collect::<Vec<_>>(), expected);
                assert!(verdicts.iter().all(|verdict| verdict.is_proof() == (version == 2)));
                unchanged("verdicts").await;
            }
            let inventory = inventories::of_running(&tx, device, &running(2)).await.unwrap();
            assert_eq!(inventory.apps.len(), names.len());
            unchanged("of running").await;
            assert!(!inventories::is_known(&tx, device, &inventory).await.unwrap());
            unchanged("is known").await;
            inventories::write(&tx, device, &inventory).await.unwrap();
            inventories::reconcile(&tx, device, &inventory).await.unwrap();
            unchanged("write").await;
            assert!(inventories::is_known(&tx, device, &inventory).await.unwrap());
            unchanged("is known again").await;
            device_apps::note(&tx, TenantId(1), device, "client1", round + 2).await.unwrap();
            checks::forget(&tx, &[device.0, device.0 + 1]).await.unwrap();
            unchanged("forget").await;
        }
    }
}
