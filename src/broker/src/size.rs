//! Which bodies are too large to be looked at.

use bytes::Bytes;
use drover_messages::Queue;

use crate::MAX_BODY_BYTES;

/// The largest report that is read. One that uses every field to the full has some 15 kB; anyone with a device's login
/// can publish larger ones, by the thousand.
pub const MAX_REPORT_BYTES: usize = 64 * 1024;
/// What is kept of a body that is too large: enough to see what it was meant to be.
const KEPT_BYTES: usize = 1_024;

/// How large a message of that queue may be.
const fn limit_of(queue: Queue) -> usize {
    match queue {
        Queue::Reports => MAX_REPORT_BYTES,
        // A larger one could not be moved to another queue either.
        Queue::Jobs(_) | Queue::Dispatch(_) => MAX_BODY_BYTES,
    }
}

/// The body as it is kept while it is here, and its length in bytes if that was too large. A body that is cut is copied,
/// so that the rest of it is free at once: deliveries are prefetched by their number, not by their size.
pub(crate) fn keep(queue: Queue, body: Bytes) -> (Bytes, Option<usize>) {
    let size_bytes = body.len();
    if size_bytes <= limit_of(queue) {
        return (body, None);
    }
    (Bytes::copy_from_slice(&body[..KEPT_BYTES]), Some(size_bytes))
}

/// Why a message that was cut is dead.
pub(crate) fn reason(queue: Queue, size_bytes: usize) -> String {
    let limit = limit_of(queue);
    format!("too large: {size_bytes} bytes where {limit} are allowed; the first {KEPT_BYTES} are kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_cut() {
        let largest = Bytes::from(vec![b'x'; MAX_REPORT_BYTES]);
        assert_eq!(keep(Queue::Reports, largest.clone()), (largest, None));
        let (body, size_bytes) = keep(Queue::Reports, Bytes::from(vec![b'x'; MAX_REPORT_BYTES + 1]));
        assert_eq!((body.len(), size_bytes), (KEPT_BYTES, Some(MAX_REPORT_BYTES + 1)));
        for queue in Queue::all().filter(|queue| *queue != Queue::Reports) {
            assert_eq!(keep(queue, Bytes::from(vec![b'x'; MAX_REPORT_BYTES + 1])).1, None);
            assert_eq!(keep(queue, Bytes::from(vec![b'x'; MAX_BODY_BYTES + 1])).1, Some(MAX_BODY_BYTES + 1));
        }
    }
}
