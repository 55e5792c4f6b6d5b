//! Why a call did not do what it should.

use reqwest::StatusCode;

/// Why a call did not do what it should. Nothing of it shows a secret: keys travel in headers, never in addresses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No answer, or half of one.
    #[error("{call}: {source}")]
    Http {
        /// The call.
        call: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The server refused, in the API's words.
    #[error("{call}: HTTP {status}, code {code} {msg}: {desc}")]
    Refused {
        /// The call.
        call: String,
        /// The HTTP status.
        status: StatusCode,
        /// The API's code.
        code: i64,
        /// What it stands for.
        msg: String,
        /// What is wrong.
        desc: String,
    },
    /// An answer that is not the API's.
    #[error("{call}: HTTP {status}, and an answer that is not the API's: {problem}")]
    NotTheApi {
        /// The call.
        call: String,
        /// The HTTP status.
        status: StatusCode,
        /// What is wrong with it.
        problem: String,
    },
    /// The HTTP client could not be set up.
    #[error("setting up the HTTP client: {0}")]
    SetUp(#[source] reqwest::Error),
}

impl ClientError {
    /// Whether the same call may succeed when it is made again: no connection, or a server that is not ready.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Http { source, .. } => source.is_connect() || source.is_timeout() || source.is_request(),
            Self::Refused { status, .. } | Self::NotTheApi { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
            Self::SetUp(_) => false,
        }
    }
}
