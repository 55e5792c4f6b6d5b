//! The sweep of files and the look-up of a QR code keep to the indexes of large tables, whatever the statistics say.

use std::time::Duration;

use drover_domain::TenantId;
use drover_store::{Store, clients::downloads, files};
use drover_testkit::TestDatabase;
use uuid::Uuid;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const FILES: i64 = 30_000;
const BATCH: i64 = 500;
const TABLES: [&str; 6] = ["files", "firmwares", "client_versions", "client_groups", "app_releases", "app_uploads"];

/// Every file is named by a version of its own group, but for the first ones by order of their ids.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'r', 'r', '/1/');
        INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 'meter', 'mqtt', '');
        INSERT INTO firmwares (tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            SELECT 1, 1, 'f', '1', 'f', 'firmware/1/' || n, 1, repeat('a', 64), repeat('a', 32)
            FROM generate_series(1, {FILES}) AS n;
        INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path, uploaded_at)
            SELECT lpad(to_hex(n), 32, '0')::uuid, 1, lpad(to_hex(n), 64, '0'), repeat('a', 32), 1, 'f', 'files/1/' || n,
                now() - interval '1 day' FROM generate_series(1, {FILES}) AS n;
        INSERT INTO client_groups (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
            SELECT 1, 1, 'g', n, '0', 51201, 'key-' || n FROM generate_series(1, {FILES}) AS n;
        INSERT INTO client_versions (tenant_id, group_id, file_id, icon_id, package_name, app_name, version_code, version_name)
            SELECT 1, g.id, lpad(to_hex(g.group_code::int), 32, '0')::uuid, lpad(to_hex(g.group_code::int), 32, '0')::uuid,
                'p', 'a', 1, '1' FROM client_groups g WHERE g.group_code::int > {ROUNDS} * {BATCH};
        INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 1, 'admin', 'admin', 'tenant_admin', '$argon2id$');
        INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'p');
        INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 1, 1, 1, 'a');
        INSERT INTO app_releases (application_id, file_id, icon_id) SELECT 1, v.file_id, v.icon_id FROM client_versions v;
        INSERT INTO app_uploads (id, tenant_id, organisation_id, operator_id, file_id, icon_id, facts)
            SELECT v.file_id, 1, 1, 1, v.file_id, v.icon_id, '{{}}' FROM client_versions v;
        UPDATE client_groups g SET qr_version_id = v.id FROM client_versions v WHERE v.group_id = g.id"
    );
    world::filled(statistics, &TABLES, &fill).await
}

#[tokio::test]
async fn no_sweep_and_no_look_up_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &TABLES).await;
        let hour = Duration::from_hours(1);
        let mut after = Uuid::nil();
        for round in 1..=ROUNDS {
            let (unused, next) = files::unused(&tx, hour, after, BATCH).await.unwrap();
            assert_eq!(i64::try_from(unused.len()), Ok(BATCH));
            after = next.unwrap();
            assert_eq!(files::forget(&tx, hour, &unused[..250]).await.unwrap().len(), 250);
            let paths: Vec<String> = (1..=BATCH)
                .map(|n| format!("{}/1/{}", if n % 2 == 0 { "files" } else { "firmware" }, FILES - 10 + n))
                .collect();
            assert_eq!(files::unnamed(&tx, &paths).await.unwrap().len(), 490);
            let named = FILES - round;
            let found = downloads::by_key(&tx, &format!("key-{named}")).await.unwrap().unwrap();
            assert_eq!(found.file, Uuid::from_u128(u128::from(named.unsigned_abs())));
            assert!(files::get(&tx, TenantId(1), found.file).await.unwrap().is_some());
            assert_eq!(sequential_scans(&tx, &TABLES).await, before, "round {round}, statistics {statistics:?}");
        }
        let (unused, next) = files::unused(&tx, hour, after, BATCH).await.unwrap();
        assert_eq!((unused.len(), next.is_some()), (0, true), "what is named stays, and the walk goes on");
    }
}
