//! A hint between processes that some devices may have something to fetch. It may get lost: who hears it looks at the rows,
//! and who waits long looks without it. `NOTIFY` takes a lock of the whole server at commit, so it is sent once for many
//! devices, in a transaction of its own.

use std::pin::pin;

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Connection};

use crate::{GenericClient, Store, StoreError, sql};

/// Devices from the first to the last, both included; of most of them the hint is not true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRange {
    /// The lowest device.
    pub first: i64,
    /// The highest device.
    pub last: i64,
}

/// Tells every listener about devices.
pub async fn tell(client: &impl GenericClient, devices: DeviceRange) -> Result<(), StoreError> {
    const SQL: &str = "/* hints::tell */ SELECT pg_notify('drover_devices', $1)";
    sql::query(client, SQL, &[&format!("{} {}", devices.first, devices.last)]).await?;
    Ok(())
}

/// Gives every hint from now on to `heard`, on a connection of its own, until that fails.
pub async fn listen(store: &Store, heard: impl FnMut(DeviceRange) + Send) -> Result<(), StoreError> {
    store.listen(heard).await
}

/// Drives a fresh connection.
pub(crate) async fn hear<S, T>(
    client: tokio_postgres::Client,
    mut connection: Connection<S, T>,
    mut heard: impl FnMut(DeviceRange) + Send,
) -> Result<(), StoreError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
    {
        let mut listening = pin!(client.batch_execute("/* hints::listen */ LISTEN drover_devices"));
        // The connection moves only while it is polled, so both are.
        loop {
            match select(&mut listening, messages.next()).await {
                Either::Left((done, _)) => break done?,
                Either::Right((Some(message), _)) => drop(message?),
                Either::Right((None, _)) => return Ok(()),
            }
        }
    }
    while let Some(message) = messages.next().await {
        if let AsyncMessage::Notification(hint) = message?
            && let Some(range) = parse(hint.payload())
        {
            heard(range);
        }
    }
    Ok(())
}

fn parse(payload: &str) -> Option<DeviceRange> {
    let (first, last) = payload.split_once(' ')?;
    Some(DeviceRange { first: first.parse().ok()?, last: last.parse().ok()? })
}
