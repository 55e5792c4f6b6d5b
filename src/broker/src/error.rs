//! What can go wrong between Drover and its broker.

use std::time::Duration;

use apalis_core::error::WorkerError as ApalisError;
use lapin::ErrorKind;

/// Refused by rule: trying again changes nothing (access refused, not found, precondition failed).
const FATAL_REPLY_CODES: [u16; 3] = [403, 404, 406];

/// The broker cannot be used, now or at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// No address was given.
    #[error("no broker is configured: give its URL")]
    NotConfigured,
    /// The broker refuses, and will go on refusing: credentials, permissions, or a queue that exists with other
    /// arguments. Someone has to change something.
    #[error("the broker refuses for good while {doing}: {source}")]
    Fatal {
        /// What was being done.
        doing: String,
        /// The broker's answer.
        source: lapin::Error,
    },
    /// The connection or the channel failed; another try may succeed.
    #[error("{doing} failed: {source}")]
    Amqp {
        /// What was being done.
        doing: String,
        /// What the client or the broker says.
        source: lapin::Error,
    },
    /// No answer in time.
    #[error("{doing} took longer than {limit:?}")]
    TimedOut {
        /// What was being done.
        doing: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The broker ended the subscription, or the connection went without an error.
    #[error("the broker ended {what}")]
    Ended {
        /// What ended.
        what: String,
    },
    /// [`Broker::close`](crate::Broker::close) was called.
    #[error("the broker was closed")]
    Closed,
}

impl BrokerError {
    /// Whether trying again is pointless until someone changes something.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::NotConfigured | Self::Fatal { .. } | Self::Closed)
    }

    /// An error while something is being set up, where a refusal is for good.
    pub(crate) fn in_setup(doing: impl Into<String>, source: lapin::Error) -> Self {
        let doing = doing.into();
        if is_refusal(&source) { Self::Fatal { doing, source } } else { Self::Amqp { doing, source } }
    }

    /// An error of something that worked before, such as an acknowledgement that came too late: a new session heals it.
    pub(crate) fn in_operation(doing: impl Into<String>, source: lapin::Error) -> Self {
        Self::Amqp { doing: doing.into(), source }
    }

    /// Whether the connection broke, and not only what was done on it. Who waits for an answer hears of it before the
    /// connection's own state tells.
    pub(crate) fn is_disconnection(&self) -> bool {
        let Self::Amqp { source, .. } = self else { return false };
        matches!(
            source.kind(),
            ErrorKind::IOError(_) | ErrorKind::MissingHeartbeatError | ErrorKind::InvalidConnectionState(_)
        )
    }

    /// Whether the broker said that something is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Fatal { source, .. } | Self::Amqp { source, .. } if reply_code(source) == Some(404))
    }
}

fn is_refusal(error: &lapin::Error) -> bool {
    reply_code(error).is_some_and(|code| FATAL_REPLY_CODES.contains(&code))
}

fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// A message was not published, or nobody knows whether it was. Publishing it again is always right.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// No confirm in time: a blocked or stalled broker. The message may still arrive.
    #[error("the broker did not confirm in time")]
    TimedOut,
    /// No queue takes messages of that target: for a device, it never connected, or its session expired.
    #[error("no queue takes the message: {reply}")]
    Unroutable {
        /// The broker's words.
        reply: String,
    },
    /// The broker refused: a full queue, or one without a leader.
    #[error("the broker rejected the message")]
    Rejected,
    /// The connection is down or broke before the confirm. The message may have arrived.
    #[error("no connection to publish on: {0}")]
    Connection(#[source] BrokerError),
    /// Larger than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("a body of {size_bytes} bytes is too large")]
    TooLarge {
        /// Its length.
        size_bytes: usize,
    },
    /// A routing key longer than 255 bytes.
    #[error("the routing key is longer than 255 bytes")]
    InvalidTarget,
}

impl PublishError {
    /// The reason as a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Unroutable { .. } => "unroutable",
            Self::Rejected => "rejected",
            Self::Connection(_) => "connection",
            Self::TooLarge { .. } => "too_large",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

/// A worker ended other than by its token.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The broker refused for good, or was closed.
    #[error("worker {worker}: {source}")]
    Broker {
        /// The worker's name.
        worker: String,
        /// Why.
        source: BrokerError,
    },
    /// The worker's own machinery failed.
    #[error("worker {worker}: {source}")]
    Runtime {
        /// The worker's name.
        worker: String,
        /// Why.
        source: ApalisError,
    },
    /// The task behind the worker panicked.
    #[error("worker {worker}: its session panicked")]
    Panicked {
        /// The worker's name.
        worker: String,
    },
}

#[cfg(test)]
mod tests {
    use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};

    use super::*;

    #[test]
    fn refusals_are_fatal_in_setup_and_only_there() {
        let error =
            |kind: AMQPErrorKind| lapin::Error::from(ErrorKind::ProtocolError(AMQPError::new(kind, "x".into())));
        for kind in [AMQPSoftError::ACCESSREFUSED, AMQPSoftError::NOTFOUND, AMQPSoftError::PRECONDITIONFAILED] {
            assert!(BrokerError::in_setup("declaring", error(kind.clone().into())).is_fatal());
            assert!(!BrokerError::in_operation("acknowledging", error(kind.into())).is_fatal());
        }
        assert!(!BrokerError::in_setup("connecting", error(AMQPHardError::CONNECTIONFORCED.into())).is_fatal());
    }
}
