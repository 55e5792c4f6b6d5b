//! Large tables, what Postgres knows of them, and how often it reads them whole.

use std::time::Duration;

use drover_store::{Store, StoreOptions, TlsMode, Tx, migrate};
use drover_testkit::{TestDatabase, TestPostgres};

/// Enough executions of one statement for Postgres to have tried a generic plan (its rule is five).
pub(crate) const ROUNDS: i64 = 8;

/// When Postgres was told what is in the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Statistics {
    Never,
    WhenEmpty,
    Fresh,
}

impl Statistics {
    pub(crate) const ALL: [Self; 3] = [Self::Never, Self::WhenEmpty, Self::Fresh];
}

/// A store whose tables are empty.
pub(crate) async fn store() -> (Store, TestDatabase) {
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
    (store, database)
}

/// A store whose `tables` hold what `fill` puts into them.
pub(crate) async fn filled(statistics: Statistics, tables: &[&str], fill: &str) -> (Store, TestDatabase) {
    let (store, database) = store().await;
    let client = store.client().await.unwrap();
    let analyze = format!("ANALYZE {}", tables.join(", "));
    for table in tables {
        client.batch_execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = false)")).await.unwrap();
    }
    if matches!(statistics, Statistics::WhenEmpty) {
        client.batch_execute(&analyze).await.unwrap();
    }
    client.batch_execute(fill).await.unwrap();
    if matches!(statistics, Statistics::Fresh) {
        client.batch_execute(&analyze).await.unwrap();
    }
    drop(client);
    (store, database)
}

/// How often each of `tables` was read whole. What filled them may count too, so it is compared with what it was before.
pub(crate) async fn sequential_scans(tx: &Tx<'_>, tables: &[&str]) -> Vec<(String, i64)> {
    let sql = "SELECT relname::text, seq_scan FROM pg_stat_xact_user_tables
        WHERE relname = ANY($1) AND seq_scan > 0 ORDER BY relname";
    let rows = tx.query(sql, &[&tables]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
