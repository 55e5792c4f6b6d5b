//! Runs statements, prepared once a connection. All SQL is constant, so the cache of statements never grows.

use deadpool_postgres::GenericClient;
use tokio_postgres::{Row, types::ToSql};

use crate::StoreError;

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

pub(crate) async fn query(
    client: &impl GenericClient,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, params).await?)
}

/// Runs a statement that is put together of constants, such as one for each column that a list can be sorted by.
pub(crate) async fn query_composed(
    client: &impl GenericClient,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, params).await?)
}

pub(crate) async fn query_one(
    client: &impl GenericClient,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Row, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, params).await?)
}

pub(crate) async fn query_opt(
    client: &impl GenericClient,
    sql: &'static str,
    params: Params<'_>,
) -> Result<Option<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, params).await?)
}

pub(crate) async fn execute(
    client: &impl GenericClient,
    sql: &'static str,
    params: Params<'_>,
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, params).await?)
}
