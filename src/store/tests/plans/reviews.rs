//! Reviews, inventories and the lists of what devices have keep to the indexes of large tables, whatever the statistics say.

use std::time::Duration;

use drover_domain::{DeviceId, OrganisationPath, TenantId};
use drover_store::{
    Store, Window, applications,
    devices::{
        inventories::{self, Inventory, ReportedApp},
        leaving,
    },
    people::scope::Scope,
    pushing::reviews,
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const DEVICES: i64 = 30_000;
const APPLICATIONS: i64 = 20;
const JOBS: i64 = 40;
const BATCH: i64 = 500;

/// Those that grow with the fleet; jobs are few in any installation.
const GROWING: [&str; 9] = [
    "users",
    "devices",
    "user_group_members",
    "label_members",
    "assignments",
    "assignment_targets",
    "commands",
    "app_installs",
    "device_apps",
];

/// Users in groups with a device each, which has two applications that were pushed to its group.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "SET session_replication_role = replica;
        INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'root', 'root', '/1/');
        INSERT INTO users (id, tenant_id, organisation_id, account) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'u' || n FROM generate_series(1, {DEVICES}) AS n;
        INSERT INTO devices (id, tenant_id, organisation_id, user_id, uuid, os, relationship) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, n, 'd' || n, 51201, 1 FROM generate_series(1, {DEVICES}) AS n;
        INSERT INTO user_group_members SELECT 1 + n % 100, n FROM generate_series(1, {DEVICES}) AS n;
        INSERT INTO label_members SELECT 1 + n % 90, n FROM generate_series(1, {DEVICES}) AS n;
        INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'p' || n FROM generate_series(1, {APPLICATIONS}) n;
        INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name, release_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, n, 1, 'a', n FROM generate_series(1, {APPLICATIONS}) n;
        INSERT INTO app_releases (id, application_id, version_number) OVERRIDING SYSTEM VALUE
            SELECT n, n, 1 FROM generate_series(1, {APPLICATIONS}) n;
        INSERT INTO assignments (id, tenant_id, application_id, organisation_id, operator_id, is_required, relationships)
            OVERRIDING SYSTEM VALUE SELECT n, 1, 1 + n % {APPLICATIONS}, 1, 1, true, '{{1}}' FROM generate_series(1, {DEVICES}) n;
        INSERT INTO assignment_targets SELECT n, 'user', n FROM generate_series(1, {DEVICES}) n;
        INSERT INTO assignment_targets SELECT n, 'group', n FROM generate_series(1, 100) n;
        INSERT INTO jobs (id, tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, started_at,
                expires_at, push_action, application_id, package_id, release_id, assignment_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 'push', 'j', 'running', 0, 1, 1, '', now(), now() + interval '1 day', 'install', 1 + n % {APPLICATIONS},
                1 + n % {APPLICATIONS}, 1 + n % {APPLICATIONS}, n FROM generate_series(1, {JOBS}) n;
        INSERT INTO commands (job_id, device_id, state, finished_at)
            SELECT 1 + n % {JOBS}, n, 'succeeded', now() FROM generate_series(1, {DEVICES}) n;
        INSERT INTO app_installs (application_id, device_id, job_id, is_installed, installed_number)
            SELECT 1 + (n + k) % {APPLICATIONS}, n, 1 + n % {JOBS}, true, 1 FROM generate_series(1, {DEVICES}) n, generate_series(0, 1) k;
        INSERT INTO device_apps (device_id, package_name, version_code)
            SELECT n, 'p' || k, 1 FROM generate_series(1, {DEVICES}) n, generate_series(1, 3) k;
        SET session_replication_role = origin"
    );
    let tables: Vec<&str> = GROWING.into_iter().chain(["jobs"]).collect();
    world::filled(statistics, &tables, &fill).await
}

fn inventory(round: i64) -> Inventory {
    let app = |n: i64| ReportedApp {
        package: format!("p{n}"),
        name: String::new(),
        version_name: None,
        version_code: Some(round),
        size_bytes: None,
    };
    Inventory { is_whole: true, os_version: None, apps: (1..5).map(app).collect() }
}

#[tokio::test]
async fn nothing_of_a_device_is_looked_for_in_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &GROWING).await;
        let scope = Scope { tenant: TenantId(1), path: OrganisationPath::parse("/1/").unwrap() };
        for round in 1..=ROUNDS {
            let unchanged = async |what: &str| {
                assert_eq!(
                    sequential_scans(&tx, &GROWING).await,
                    before,
                    "{what}, round {round}, statistics {statistics:?}"
                );
            };
            let devices: Vec<i64> = (round * 1000..round * 1000 + BATCH).collect();
            assert!(reviews::reach(&tx, &devices).await.unwrap().len() >= devices.len());
            unchanged("reach").await;
            assert_eq!(reviews::had(&tx, &devices, Duration::from_mins(1)).await.unwrap().len(), 2 * devices.len());
            unchanged("had").await;
            assert_eq!(reviews::sent(&tx, &devices).await.unwrap().len(), devices.len());
            unchanged("sent").await;
            let device = DeviceId(round * 3);
            let inventory = inventory(round);
            inventories::is_known(&tx, device, &inventory).await.unwrap();
            unchanged("known").await;
            inventories::write(&tx, device, &inventory).await.unwrap();
            inventories::reconcile(&tx, device, &inventory).await.unwrap();
            reviews::ask(&tx, device).await.unwrap();
            unchanged("inventory").await;
            let window = Window::new(0, 50).unwrap();
            applications::on_device(&tx, &scope, device, window).await.unwrap();
            unchanged("on device").await;
            leaving::begin(&tx, device, Duration::from_secs(1)).await.unwrap();
            leaving::end(&tx, 0, 100).await.unwrap();
            unchanged("leaving").await;
        }
    }
}
