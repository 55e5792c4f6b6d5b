//! Why a package could not be read.

use std::io;
use std::time::Duration;

use crate::Platform;

/// Why a file gave no [`Package`](crate::Package). Every case but the last two speaks about the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// Neither an APK nor an IPA: no zip archive, or one without a manifest.
    #[error("this is neither an APK nor an IPA: {reason}")]
    NotAPackage {
        /// What is missing.
        reason: &'static str,
    },
    /// A package, but a part of it cannot be read, contradicts another, or says what no package may say.
    #[error("{part} cannot be read: {reason}")]
    Unparsable {
        /// The part of the package, for example `AndroidManifest.xml`.
        part: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An APK without any signature, or an IPA whose application was not signed.
    #[error("the {platform} package carries no signature")]
    Unsigned {
        /// Which platform's signature was looked for.
        platform: Platform,
    },
    /// A part of the package is larger than [`Limits`](crate::Limits) allow.
    #[error("{what}: more than the {limit} that are allowed")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// The limit that it exceeds.
        limit: u64,
    },
    /// Reading took longer than [`Limits::max_time`](crate::Limits::max_time). The other limits keep any file far below it, so
    /// this speaks of a slow disk or a busy machine.
    #[error("reading the package took longer than {0:?}")]
    TimedOut(Duration),
    /// The file could not be read.
    #[error("the package file could not be read")]
    Io(#[source] io::Error),
}

impl PackageError {
    /// Whether the file is to blame, and the same file will be refused again. Otherwise it is we who could not read it.
    pub fn is_fault_of_file(&self) -> bool {
        !matches!(self, Self::TimedOut(_) | Self::Io(_))
    }

    pub(crate) fn unparsable(part: &'static str, reason: impl Into<String>) -> Self {
        Self::Unparsable { part, reason: reason.into() }
    }
}
