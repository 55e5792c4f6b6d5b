//! Why a statement did not do what it should.

use std::error::Error;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::{pool::MayConflict, records::UnknownWord};

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection: the database is unreachable, or the pool is exhausted for longer than its wait timeout.
    #[error("no database connection: {0}")]
    Connect(#[from] PoolError),
    /// The database refused or broke off a statement.
    #[error("statement failed: {0}")]
    Statement(#[from] tokio_postgres::Error),
    /// A row holds a word that this program does not know.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// The schema could not be brought up to date.
    #[error("migration failed")]
    Migrate(#[from] refinery::Error),
    /// The database's URL or TLS settings are wrong.
    #[error("database configuration: {0}")]
    Configuration(String),
    /// A message could not be written.
    #[error("message could not be encoded")]
    Encode(#[from] serde_json::Error),
    /// A guarded statement touched another number of rows than it must: a bug, never applied.
    #[error("{statement} touched {found} rows, expected {expected}")]
    RowCount {
        /// The statement.
        statement: &'static str,
        /// What must have been.
        expected: usize,
        /// What was.
        found: usize,
    },
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.downcast_ref::<std::io::Error>().is_some())
}

impl StoreError {
    fn sql_state(&self) -> Option<&SqlState> {
        match self {
            Self::Statement(error) | Self::Connect(PoolError::Backend(error)) => error.code(),
            _ => None,
        }
    }

    /// The database cannot be reached or is too busy; later it may succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Statement(_) if self.is_lost_answer() => true,
            // Connection exceptions, insufficient resources, operator intervention (shutdown, timeout).
            Self::Statement(_) => self
                .sql_state()
                .is_some_and(|state| ["08", "53", "57", "58"].iter().any(|class| state.code().starts_with(class))),
            _ => false,
        }
    }

    /// The connection went before the answer came: nobody knows whether the statement happened.
    pub fn is_lost_answer(&self) -> bool {
        matches!(self, Self::Statement(error) if error.is_closed() || is_io(error))
    }

    /// The data itself is at fault: running the statement again cannot help (classes 22 and 23).
    pub fn is_bad_data(&self) -> bool {
        self.sql_state().is_some_and(|state| state.code().starts_with("22") || state.code().starts_with("23"))
    }

    /// The name of the unique constraint that was violated, if that is what happened.
    pub fn unique_violation(&self) -> Option<&str> {
        match self {
            Self::Statement(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Some(error.as_db_error().and_then(tokio_postgres::error::DbError::constraint).unwrap_or_default())
            }
            _ => None,
        }
    }

    /// The table whose rows forbade it by a foreign key, if that is what happened.
    pub fn foreign_key_violation(&self) -> Option<&str> {
        match self {
            Self::Statement(error) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) => {
                Some(error.as_db_error().and_then(tokio_postgres::error::DbError::table).unwrap_or_default())
            }
            _ => None,
        }
    }
}

impl MayConflict for StoreError {
    fn is_conflict(&self) -> bool {
        let again = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.sql_state().is_some_and(|state| again.contains(state))
    }
}
