//! Why a use case did not happen.

use drover_store::{InvalidPage, MayConflict, StoreError};

use crate::ApplicationRefusal;

/// Any error, kept as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a use case did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A value is not allowed.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, by Drover's name for it.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not allowed now.
    #[error("{reason}")]
    Conflict {
        /// Why not.
        reason: String,
    },
    /// It is not there, or not the caller's to know of.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The caller may not.
    #[error("{reason}")]
    Forbidden {
        /// Why not.
        reason: String,
    },
    /// The rules of applications refuse it.
    #[error(transparent)]
    Application(#[from] ApplicationRefusal),
    /// It is too large.
    #[error("{field} is larger than {max_bytes} bytes")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The caller's own stream broke off.
    #[error("the upload broke off")]
    Aborted(#[source] BoxError),
    /// Something Drover needs is missing now; later it may succeed.
    #[error("temporarily unavailable: {0}")]
    Unavailable(#[source] BoxError),
    /// A fault of Drover's.
    #[error("internal error: {0}")]
    Internal(#[source] BoxError),
}

impl ServiceError {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self::Conflict { reason: reason.into() }
    }

    #[allow(clippy::needless_pass_by_value)] // ids are Copy
    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Why a write failed that names rows which were looked up before it: one that was removed in between is no fault of
    /// Drover's.
    pub(crate) fn of_naming(error: StoreError) -> Self {
        if error.foreign_key_violation().is_some() {
            Self::conflict("something that this names was removed meanwhile")
        } else {
            error.into()
        }
    }

    /// Something Drover needs is away, and whoever asked is not to blame.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The database went away before it answered: nobody knows whether the last statement happened.
    pub(crate) fn is_lost_answer(&self) -> bool {
        match self {
            Self::Unavailable(source) => source.downcast_ref::<StoreError>().is_some_and(StoreError::is_lost_answer),
            _ => false,
        }
    }

    /// The data itself is at fault, and trying again cannot help.
    pub fn is_bad_data(&self) -> bool {
        match self {
            Self::Internal(source) => source.downcast_ref::<StoreError>().is_some_and(StoreError::is_bad_data),
            _ => false,
        }
    }
}

impl MayConflict for ServiceError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Unavailable(source) => source.downcast_ref::<StoreError>().is_some_and(StoreError::is_conflict),
            _ => false,
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() || error.is_conflict() {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Internal(Box::new(error))
        }
    }
}

impl From<object_store::Error> for ServiceError {
    fn from(error: object_store::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<InvalidPage> for ServiceError {
    fn from(error: InvalidPage) -> Self {
        let field = match error {
            InvalidPage::Size => "page size",
            InvalidPage::Number => "page number",
        };
        Self::invalid(field, error.to_string())
    }
}
