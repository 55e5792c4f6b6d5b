//! Logins and revocations keep to the indexes of a large table of credentials, whatever the statistics say.

use std::time::Duration;

use drover_store::{Store, credentials};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const DEVICES: i64 = 30_000;
const TABLES: [&str; 2] = ["credentials", "devices"];

async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (name) VALUES ('acme');
        INSERT INTO products (tenant_id, name, protocol, master_key_sha256)
            SELECT id, 'meter', 'mqtt', '' FROM tenants;
        INSERT INTO devices (tenant_id, product_id, uuid)
            SELECT p.tenant_id, p.id, 'd' || n FROM products p, generate_series(1, {DEVICES}) AS n;
        INSERT INTO credentials (tenant_id, kind, key_id, device_id, secret_sha256)
            SELECT tenant_id, 'device', uuid, id, '\\x00' FROM devices;
        INSERT INTO credentials (tenant_id, kind, key_id, sealed_secret) SELECT id, 'top', 'k1', '\\x00' FROM tenants"
    );
    world::filled(statistics, &TABLES, &fill).await
}

#[tokio::test]
async fn no_login_and_no_revocation_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &TABLES).await;
        for round in 1..=ROUNDS {
            let uuid = format!("d{}", round * 1000);
            assert!(credentials::device_token(&tx, &uuid).await.unwrap().is_some());
            assert!(credentials::device_token(&tx, "nobody").await.unwrap().is_none());
            assert_eq!(credentials::top_application(&tx, "k1").await.unwrap().is_some(), round == 1);
            assert!(credentials::top_application(&tx, &uuid).await.unwrap().is_none());
            assert!(credentials::revoke(&tx, "top", "k1").await.unwrap());
            assert!(!credentials::revoke(&tx, "device", &uuid).await.unwrap(), "devices have a way of their own");
            assert!(credentials::revoke_device_token(&tx, &uuid).await.unwrap());
            assert_eq!(credentials::waiting_cut_offs(&tx, 1000).await.unwrap(), round);
            let claimed = credentials::claim_cut_offs(&tx, 20, Duration::from_secs(10)).await.unwrap();
            assert_eq!(claimed.len(), 1);
            credentials::note_cut_off(&tx, &claimed[0], Duration::from_secs(10)).await.unwrap();
            assert!(credentials::renew_device_token(&tx, &uuid, &[1]).await.unwrap());
            assert_eq!(sequential_scans(&tx, &TABLES).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
