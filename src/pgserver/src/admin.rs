//! The few statements that a new server needs.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls};

use crate::PgServerError;
use crate::initdb::SUPERUSER;

/// A server that is starting answers at once or refuses; this only bounds a stranger that accepts and says nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The URL of a database of the server on `port`.
pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://{SUPERUSER}@{}:{port}/{database}", Ipv4Addr::LOCALHOST)
}

/// Whether the server takes connections.
pub(crate) async fn is_ready(port: u16) -> bool {
    connect(port).await.is_ok()
}

/// Creates a database unless it is there.
pub(crate) async fn ensure_database(port: u16, name: &str) -> Result<(), PgServerError> {
    let client = connect(port).await.map_err(sql("connect"))?;
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await;
    if found.map_err(sql("list its databases"))?.is_none() {
        let quoted = name.replace('"', "\"\"");
        client.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await.map_err(sql("create a database"))?;
    }
    Ok(())
}

fn sql(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> PgServerError {
    move |source| PgServerError::Sql { what, source }
}

async fn connect(port: u16) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config.host(Ipv4Addr::LOCALHOST.to_string()).port(port).user(SUPERUSER).dbname("postgres");
    let (client, connection) = config.connect_timeout(CONNECT_TIMEOUT).connect(NoTls).await?;
    // Ends when the client is dropped; its errors reach the client's own calls.
    tokio::spawn(connection);
    Ok(client)
}
