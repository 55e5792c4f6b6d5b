//! Reading what a caller sends, never more than allowed and never waiting for ever.

mod budget;
mod whole;

use std::{error::Error, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

pub(crate) use budget::Budget;
pub(crate) use whole::{BodyError, Room, Whole, read};

/// Any error, kept as a source.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
/// Bytes in order, until an error.
pub(crate) type BoxStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Nothing came for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {} s", .0.as_secs_f32())]
pub(crate) struct Idle(Duration);

/// A stream that fails when nothing comes for `idle_timeout`: what an upload has instead of a deadline for the whole.
pub(crate) fn not_idle<S, E>(
    chunks: S,
    idle_timeout: Duration,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<BoxError>,
{
    futures_util::stream::try_unfold(chunks, move |mut chunks| async move {
        match tokio::time::timeout(idle_timeout, chunks.next()).await {
            Ok(Some(chunk)) => Ok(Some((chunk.map_err(Into::into)?, chunks))),
            Ok(None) => Ok(None),
            Err(_) => Err(Idle(idle_timeout).into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{TryStreamExt as _, stream};

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stalls_fails_and_a_slow_one_does_not() {
        let slow = Box::pin(stream::iter(0..3).then(|_| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<_, BoxError>(Bytes::from_static(b"x"))
        }));
        let read: Vec<Bytes> = not_idle(slow, Duration::from_secs(10)).try_collect().await.unwrap();
        assert_eq!(read.len(), 3);
        let silent = stream::pending::<Result<Bytes, BoxError>>();
        let failed = not_idle(silent, Duration::from_secs(10)).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(failed.is::<Idle>());
    }
}
