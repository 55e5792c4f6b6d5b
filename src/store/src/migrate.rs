//! Brings the schema up to date.

use crate::{Store, StoreError};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// Any number that nobody else locks: "drover" in ASCII.
const LOCK: i64 = 0x64_72_6f_76_65_72;

/// Runs the migrations that have not run, one process at a time. Returns their names.
pub async fn run(store: &Store) -> Result<Vec<String>, StoreError> {
    // Taken out of the pool: the lock and the session settings go with the connection, whatever happens.
    let mut connection = deadpool_postgres::Object::take(store.client().await?);
    connection.batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0").await?;
    connection.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let report = embedded::migrations::runner().run_async(&mut *connection).await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// How many migrations have not run yet. 0 for a schema that a newer program made: it serves this one too.
pub async fn pending(store: &Store) -> Result<usize, StoreError> {
    const EXISTS: &str = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    const NEWEST: &str = "SELECT COALESCE(max(version), 0)::bigint FROM refinery_schema_history";
    let client = store.client().await?;
    let newest: i64 =
        if client.query_one(EXISTS, &[]).await?.get(0) { client.query_one(NEWEST, &[]).await?.get(0) } else { 0 };
    let known = embedded::migrations::runner();
    Ok(known.get_migrations().iter().filter(|migration| i64::from(migration.version()) > newest).count())
}
