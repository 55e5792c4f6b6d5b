//! What devices run is written down when it is news, and only of packages that the catalogue has.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use drover_domain::{DeviceId, TenantId};
use drover_store::{Store, StoreOptions, TlsMode, Tx, clients::device_apps::note, migrate};
use drover_testkit::{TestDatabase, TestPostgres};

const TENANT: TenantId = TenantId(1);
const DEVICE: DeviceId = DeviceId(1);

async fn known(tx: &Tx<'_>) -> Vec<(String, i64, String)> {
    let sql = "SELECT package_name, version_code, version_name FROM device_apps ORDER BY package_name";
    let rows = tx.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// A tenant with versions 1 and 2 of a package.
async fn world() -> (Store, TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 3,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    let client = store.client().await.unwrap();
    let fill = client.batch_execute(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'a'), (2, 'b');
         INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'a', 'a', '/1/');
         INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
            VALUES ('00000000-0000-0000-0000-000000000001', 1, repeat('0', 64), repeat('0', 32), 1, 'f', 'p');
         INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
            OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'g', 'g', '0', 51201, 'k');
         INSERT INTO client_versions (tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
            SELECT 1, 1, id, 'p', 'f', code, '1.' || code FROM files, generate_series(1, 2) AS code",
    );
    fill.await.unwrap();
    drop(client);
    (store, database)
}

#[tokio::test]
async fn only_news_is_written() {
    let (store, _database) = world().await;
    let mut client = store.client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let is = |code, name: &str| vec![("p".to_owned(), code, name.to_owned())];

    assert!(note(&tx, TENANT, DEVICE, "p", 1).await.unwrap());
    assert_eq!(known(&tx).await, is(1, "1.1"));
    assert!(!note(&tx, TENANT, DEVICE, "p", 1).await.unwrap(), "known for less than a minute");
    assert!(note(&tx, TENANT, DEVICE, "p", 2).await.unwrap());
    assert_eq!(known(&tx).await, is(2, "1.2"));

    tx.batch_execute("UPDATE client_versions SET void_at = now() WHERE version_code = 2").await.unwrap();
    tx.batch_execute("UPDATE device_apps SET seen_at = now() - interval '61 s'").await.unwrap();
    assert!(note(&tx, TENANT, DEVICE, "p", 2).await.unwrap(), "it is still there after a minute");
    assert_eq!(known(&tx).await, is(2, "1.2"), "a version that is void now had a name");
    assert!(note(&tx, TENANT, DEVICE, "p", 7).await.unwrap(), "what nobody uploaded can be installed all the same");
    assert_eq!(known(&tx).await, is(7, ""));

    assert!(!note(&tx, TENANT, DEVICE, "invented", 1).await.unwrap());
    assert!(!note(&tx, TenantId(2), DEVICE, "p", 1).await.unwrap(), "another tenant's catalogue");
    assert_eq!(known(&tx).await, is(7, ""));
}

#[tokio::test]
async fn a_check_that_is_being_noted_is_waited_for_before_anything_is_locked() {
    let (store, _database) = world().await;
    let (mut checking, asking, watch) =
        (store.client().await.unwrap(), store.client().await.unwrap(), store.client().await.unwrap());
    assert!(note(&checking, TENANT, DEVICE, "p", 1).await.unwrap());
    let check =
        "INSERT INTO device_checks (device_id, digest, said_at) VALUES (1, decode(repeat('07', 32), 'hex'), now())";
    checking.batch_execute(check).await.unwrap();
    let tx = checking.transaction().await.unwrap();
    tx.batch_execute("SET LOCAL lock_timeout = '2s'; UPDATE device_checks SET noted_at = now()").await.unwrap();
    let other = tokio::spawn(async move { note(&asking, TENANT, DEVICE, "p", 2).await });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
    tx.batch_execute("UPDATE device_apps SET version_code = 3").await.unwrap();
    let known_already = note(&watch, TENANT, DEVICE, "p", 1).await.unwrap();
    assert!(!known_already, "who has nothing to write waits for nobody");
    tx.commit().await.unwrap();
    assert!(other.await.unwrap().unwrap());
    let sql = "SELECT version_code FROM device_apps";
    assert_eq!(watch.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 2);
}
