//! Logins and revocations keep to the indexes of a large table of credentials, whatever the statistics say.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use drover_store::{Store, StoreOptions, TlsMode, Tx, credentials, migrate};
use drover_testkit::TestPostgres;

const DEVICES: i64 = 30_000;
/// Enough executions of one statement for Postgres to have tried a generic plan (its rule is five).
const ROUNDS: i64 = 8;

#[derive(Debug, Clone, Copy)]
enum Statistics {
    Never,
    WhenEmpty,
    Fresh,
}

async fn filled(statistics: Statistics) -> (Store, drover_testkit::TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 2,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    let client = store.client().await.unwrap();
    let analyze = "ANALYZE credentials; ANALYZE devices";
    let quiet = "ALTER TABLE credentials SET (autovacuum_enabled = false); ALTER TABLE devices SET (autovacuum_enabled = false)";
    client.batch_execute(quiet).await.unwrap();
    if matches!(statistics, Statistics::WhenEmpty) {
        client.batch_execute(analyze).await.unwrap();
    }
    let fill = format!(
        "INSERT INTO tenants (name) VALUES ('acme');
        INSERT INTO products (tenant_id, name, protocol, master_key_sha256)
            SELECT id, 'meter', 'mqtt', '' FROM tenants;
        INSERT INTO devices (tenant_id, product_id, uuid)
            SELECT p.tenant_id, p.id, 'd' || n FROM products p, generate_series(1, {DEVICES}) AS n;
        INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
            SELECT tenant_id, 'device', uuid, id, '\\x00' FROM devices"
    );
    client.batch_execute(&fill).await.unwrap();
    if matches!(statistics, Statistics::Fresh) {
        client.batch_execute(analyze).await.unwrap();
    }
    drop(client);
    (store, database)
}

async fn sequential_scans(tx: &Tx<'_>) -> i64 {
    let sql = "SELECT COALESCE(sum(seq_scan), 0)::bigint FROM pg_stat_xact_user_tables
        WHERE relname IN ('credentials', 'devices')";
    tx.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn no_login_and_no_revocation_reads_a_whole_table() {
    for statistics in [Statistics::Never, Statistics::WhenEmpty, Statistics::Fresh] {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx).await;
        for round in 1..=ROUNDS {
            let uuid = format!("d{}", round * 1000);
            assert!(credentials::device_token(&tx, &uuid).await.unwrap().is_some());
            assert!(credentials::device_token(&tx, "nobody").await.unwrap().is_none());
            assert!(credentials::revoke_device_token(&tx, &uuid).await.unwrap());
            assert_eq!(credentials::waiting_cut_offs(&tx, 1000).await.unwrap(), round);
            let claimed = credentials::claim_cut_offs(&tx, 20, Duration::from_secs(10)).await.unwrap();
            assert_eq!(claimed.len(), 1);
            credentials::note_cut_off(&tx, &claimed[0], Duration::from_secs(10)).await.unwrap();
            assert!(credentials::renew_device_token(&tx, &uuid, &[1]).await.unwrap());
            assert_eq!(sequential_scans(&tx).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
