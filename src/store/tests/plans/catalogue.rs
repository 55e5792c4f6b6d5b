//! What checks for updates ask keeps to the indexes of large tables, whatever the statistics say.

use drover_domain::TenantId;
use drover_store::{
    Store,
    catalogue::{self, Ask},
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const DEVICES: i64 = 30_000;
/// Those that have ended; each tenant has a few that have not.
const JOBS: i64 = 20_000;
const VERSIONS: i64 = 2_000;
const LIVE: i64 = 20;

const TABLES: [&str; 17] = [
    "organisations",
    "users",
    "devices",
    "user_group_members",
    "label_members",
    "assignments",
    "assignment_targets",
    "commands",
    "device_checks",
    "jobs",
    "audiences",
    "files",
    "client_versions",
    "applications",
    "app_releases",
    "packages",
    "catalogue_revisions",
];

/// A tenant with a few publications, distributions, assignments and pushes under way, beside all that have ended, and as many of
/// another tenant's.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "SET session_replication_role = replica;
        INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme'), (2, 'other');
        INSERT INTO catalogue_revisions (tenant_id, revision) SELECT n, n FROM generate_series(1, 3000) n;
        INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
            SELECT n, 2 - n % 2, CASE WHEN n > 2 THEN 2 - n % 2 END, 'o' || n, 'o',
                CASE WHEN n > 2 THEN '/' || 2 - n % 2 ELSE '' END || '/' || n || '/' FROM generate_series(1, 4000) n;
        INSERT INTO users (id, tenant_id, organisation_id, account) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1 + 2 * (n % 2000), 'u' || n FROM generate_series(1, {DEVICES}) n;
        INSERT INTO devices (id, tenant_id, organisation_id, user_id, uuid, os, relationship) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1 + 2 * (n % 2000), n, 'd' || n, 51201, 1 FROM generate_series(1, {DEVICES}) n;
        INSERT INTO user_group_members SELECT 1 + n % 100, n FROM generate_series(1, {DEVICES}) n;
        INSERT INTO label_members SELECT 1 + n % 90, n FROM generate_series(1, {DEVICES}) n;
        INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
            SELECT lpad(n::text, 32, '0')::uuid, 1, lpad(n::text, 64, '0'), repeat('0', 32), 1, 'f', n::text
            FROM generate_series(1, {VERSIONS}) n;
        INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
            OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'g', 'g', '0', 51201, 'k');
        INSERT INTO client_versions (id, tenant_id, group_id, file_id, icon_id, package_name, app_name, version_code, version_name)
            OVERRIDING SYSTEM VALUE SELECT n, 1, 1, lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, '0')::uuid, 'p', 'f', n, 'v'
            FROM generate_series(1, {VERSIONS}) n;
        INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'p' || n FROM generate_series(1, {VERSIONS}) n;
        INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name, release_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, n, 1, 'a', n FROM generate_series(1, {VERSIONS}) n;
        INSERT INTO app_releases (id, application_id, version_number, file_id, icon_id, file_name) OVERRIDING SYSTEM VALUE
            SELECT n, n, 1, lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, '0')::uuid, 'f' FROM generate_series(1, {VERSIONS}) n;
        INSERT INTO assignments (id, tenant_id, application_id, organisation_id, operator_id, is_required, relationships, ended_at)
            OVERRIDING SYSTEM VALUE SELECT n, 1 + n % 2, 1 + n % {VERSIONS}, 1, 1, true, '{{1}}',
                CASE WHEN n > 2 * {LIVE} THEN now() END FROM generate_series(1, {DEVICES}) n;
        INSERT INTO assignment_targets SELECT n, 'user', n FROM generate_series(1, {DEVICES}) n;
        INSERT INTO assignment_targets SELECT n, 'group', n % 100 + 1 FROM generate_series(1, {DEVICES}) n;
        INSERT INTO jobs (id, tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, started_at,
                expires_at, finished_at, client_version_id, client_group_id, publication_id, organisation_id, push_action,
                application_id, package_id, release_id, assignment_id, operator_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1 + n / 3 % 2, kind, 'j', CASE WHEN n > 6 * {LIVE} THEN 'completed' ELSE 'running' END, 0, 1, 1, '', now(),
                now() + interval '1 day', CASE WHEN n > 6 * {LIVE} THEN now() END,
                CASE WHEN kind <> 'push' THEN 1 + n / 3 % {VERSIONS} END, CASE WHEN kind <> 'push' THEN 1 END,
                CASE kind WHEN 'distribute' THEN 1 END, CASE WHEN kind <> 'push' THEN 1 END,
                CASE kind WHEN 'push' THEN 'install' END, CASE kind WHEN 'push' THEN 1 + n % {VERSIONS} END,
                CASE kind WHEN 'push' THEN 1 END, CASE kind WHEN 'push' THEN 1 END, CASE kind WHEN 'push' THEN n END, 1
            FROM generate_series(1, {JOBS}) n, LATERAL (SELECT (ARRAY['publish', 'distribute', 'push'])[1 + n % 3] AS kind) of;
        INSERT INTO audiences (job_id, kind, organisation_id) SELECT n, 'organisation', 1 FROM generate_series(1, {JOBS}) n
            WHERE n % 3 <> 2;
        INSERT INTO audiences (job_id, kind, user_ids, group_ids, label_ids) SELECT n, 'users', '{{}}', '{{}}', '{{}}'
            FROM generate_series(1, {JOBS}) n WHERE n % 3 = 2;
        INSERT INTO commands (job_id, device_id, state, finished_at)
            SELECT n % 40 + 100 * k, n, 'succeeded', now() FROM generate_series(1, {DEVICES}) n, generate_series(1, 3) k;
        INSERT INTO device_checks (device_id, digest, said_at)
            SELECT n, decode(repeat('00', 32), 'hex'), now() FROM generate_series(1, {DEVICES}) n;
        SET session_replication_role = origin"
    );
    world::filled(statistics, &TABLES, &fill).await
}

fn asks(round: i64, count: i64) -> Vec<Ask> {
    let ask = |n: i64| Ask {
        tenant: TenantId(1),
        device: format!("d{n}"),
        organisation: (n % 2 == 0).then(|| "o3".to_owned()),
        digest: [0; 32],
    };
    (round * 1000..round * 1000 + count).map(ask).collect()
}

#[tokio::test]
async fn no_check_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &TABLES).await;
        for round in 1..=ROUNDS {
            let unchanged = async |what: &str| {
                assert_eq!(
                    sequential_scans(&tx, &TABLES).await,
                    before,
                    "{what}, round {round}, statistics {statistics:?}"
                );
            };
            for count in [1, 256] {
                let found = catalogue::facts(&tx, &asks(round, count)).await.unwrap();
                unchanged("facts").await;
                for facts in found {
                    let facts = facts.unwrap();
                    let device = facts.device.unwrap();
                    assert_eq!((facts.revision, device.commands.len(), device.is_noted), (1, 3, false));
                    assert_eq!(device.user.unwrap().assignments.len(), 1);
                }
            }
            let loaded = catalogue::load(&tx, TenantId(1)).await.unwrap();
            unchanged("load").await;
            assert_eq!(loaded.revision, 1);
            assert_eq!(loaded.catalogue.len(), usize::try_from(2 * LIVE).unwrap());
        }
    }
}

#[tokio::test]
async fn batches_of_any_size_share_one_plan() {
    let (store, _database) = filled(Statistics::Fresh).await;
    let client = store.client().await.unwrap();
    for round in 1..=ROUNDS {
        for count in [1, 3, 256] {
            catalogue::facts(&client, &asks(round, count)).await.unwrap();
        }
    }
    let sql = "SELECT custom_plans FROM pg_prepared_statements WHERE statement LIKE '/* catalogue::facts */%'";
    let planned_anew: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert!(planned_anew <= 5, "{planned_anew}");
}
