//! A look at the database behind everybody's back, also while it comes and goes.

use drover_testkit::TestDatabase;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Row, types::ToSql};

/// A connection of the harness's own, not by any proxy.
pub(crate) struct Rows {
    url: String,
    client: Mutex<Option<Client>>,
}

impl Rows {
    pub(crate) fn new(database: &TestDatabase) -> Self {
        Self { url: database.url.clone(), client: Mutex::default() }
    }

    /// What a query finds; `None` while the database is away.
    pub(crate) async fn try_query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Option<Vec<Row>> {
        let mut held = self.client.lock().await;
        let client = match held.take() {
            Some(client) if !client.is_closed() => client,
            _ => {
                let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.ok()?;
                // Ends with the client.
                tokio::spawn(connection);
                client
            }
        };
        let client = held.insert(client);
        match client.query(sql, values).await {
            Ok(rows) => Some(rows),
            Err(error) if error.as_db_error().is_some_and(|error| error.code().code().starts_with("42")) => {
                panic!("{sql}: {error}")
            }
            Err(_) => None,
        }
    }

    /// What a query finds in a database that is there.
    pub(crate) async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let found = drover_testkit::wait_for(crate::support::PATIENCE, "the database", async || {
            self.try_query(sql, values).await
        });
        found.await
    }

    /// A number.
    pub(crate) async fn count(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> i64 {
        self.query(sql, values).await[0].get(0)
    }
}
