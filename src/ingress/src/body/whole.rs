//! Bodies that are read into memory before anything is done with them.

use std::ops::Deref;

use axum::body::{Body, HttpBody as _};
use futures_util::StreamExt as _;
use tokio::sync::OwnedSemaphorePermit;

use super::{BoxError, budget, budget::Budget};

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// More than is allowed.
    #[error("is larger than {max_bytes} bytes")]
    TooLarge {
        /// What is allowed.
        max_bytes: usize,
    },
    /// Too many bodies are in memory, and none of them went in time.
    #[error("found no room")]
    NoRoom,
    /// The caller went away, or sent what is no HTTP.
    #[error("broke off: {0}")]
    Broken(#[source] BoxError),
}

/// A whole body, and its room in the budget for as long as it is there.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    bytes: Vec<u8>,
    room: Room,
}

/// The room of a body in the budget, for as long as it is there.
#[derive(Debug, Default)]
pub(crate) struct Room(#[expect(dead_code, reason = "it is held, and nothing else")] Option<OwnedSemaphorePermit>);

impl Whole {
    /// The body's room alone, for who keeps what was made of the body and not the body.
    pub(crate) fn into_room(self) -> Room {
        self.room
    }
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a whole body into memory. Room for it is taken once: for what it announces, or, when it announces nothing and is
/// not small, for all it may be. To take it piece by piece would let bodies wait for each other.
pub(crate) async fn read(body: Body, max_bytes: usize, budget: &Budget) -> Result<Whole, BodyError> {
    let too_large = || BodyError::TooLarge { max_bytes };
    let sizes = body.size_hint();
    if usize::try_from(sizes.lower()).map_or(true, |least| least > max_bytes) {
        return Err(too_large());
    }
    let announced = sizes.exact().and_then(|length| usize::try_from(length).ok());
    let mut room = budget.reserve(announced.unwrap_or_default()).await?;
    let mut bytes: Vec<u8> = Vec::with_capacity(announced.unwrap_or_default());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| BodyError::Broken(error.into_inner()))?;
        let length = bytes.len() + chunk.len();
        if length > max_bytes {
            return Err(too_large());
        }
        if room.is_none() && budget::counts(length) {
            room = budget.reserve(max_bytes).await?;
        }
        if length > bytes.capacity() {
            // Twice as much each time, as vectors do, but no more than there is room for.
            let capacity = (bytes.capacity() * 2).clamp(length, max_bytes);
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Whole { bytes, room: Room(room) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    const KIB: usize = 1 << 10;

    fn budget(bytes: usize) -> Budget {
        Budget::new(bytes, Duration::from_secs(15))
    }

    /// A body without a length.
    fn streamed(bytes: usize) -> Body {
        let chunks = stream::iter(vec![Bytes::from_static(&[b'x'; KIB]); bytes / KIB]);
        Body::from_stream(chunks.map(Ok::<_, BoxError>))
    }

    #[tokio::test]
    async fn a_body_at_the_limit_is_read_and_one_beyond_is_not() {
        let budget = budget(100 * KIB);
        assert_eq!(*read(Body::from("12345"), 5, &budget).await.unwrap(), *b"12345");
        assert!(matches!(read(Body::from("123456"), 5, &budget).await, Err(BodyError::TooLarge { max_bytes: 5 })));
        let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, BoxError>(Bytes::from_static(b"123"))));
        assert!(matches!(read(endless, 5, &budget).await, Err(BodyError::TooLarge { .. })), "without a length");
        let broken = Body::from_stream(stream::iter([Ok("1"), Err("cut")]));
        assert!(matches!(read(broken, 5, &budget).await, Err(BodyError::Broken(_))));
        assert_eq!(read(streamed(80 * KIB), 80 * KIB, &budget).await.unwrap().len(), 80 * KIB);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_in_memory_have_a_budget_together() {
        let budget = budget(100 * KIB);
        let held = read(Body::from(vec![b'x'; 80 * KIB]), 90 * KIB, &budget).await.unwrap();
        for body in [Body::from(vec![b'x'; 30 * KIB]), streamed(30 * KIB)] {
            assert!(matches!(read(body, 90 * KIB, &budget).await, Err(BodyError::NoRoom)));
        }
        let silent = Body::from_stream(stream::pending::<Result<Bytes, BoxError>>());
        assert!(futures_util::poll!(Box::pin(read(silent, 90 * KIB, &budget))).is_pending());
        assert_eq!(read(Body::from(vec![b'x'; 20 * KIB]), 90 * KIB, &budget).await.unwrap().len(), 20 * KIB);
        for small in [Body::from(vec![b'x'; 16 * KIB]), streamed(16 * KIB), Body::empty()] {
            assert!(read(small, 90 * KIB, &budget).await.is_ok(), "a small one needs no room");
        }
        let (waiting, ()) = tokio::join!(read(streamed(30 * KIB), 90 * KIB, &budget), async {
            tokio::time::sleep(Duration::from_secs(14)).await;
            drop(held);
        });
        let waited = waiting.unwrap();
        assert!(matches!(read(streamed(17 * KIB), 90 * KIB, &budget).await, Err(BodyError::NoRoom)), "all it may be");
        drop(waited);
        assert!(read(streamed(17 * KIB), 90 * KIB, &budget).await.is_ok());
    }
}
