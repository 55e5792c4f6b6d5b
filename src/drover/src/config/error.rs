//! What is wrong with a configuration, with the key and the place it came from.

use std::io;
use std::path::PathBuf;

/// Why there is no configuration. No message shows the value of a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("could not read the configuration file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A key that Drover does not know, most likely misspelt.
    #[error("unknown key {key} in {origin}; known here: {known}")]
    UnknownKey {
        /// The key, with its section.
        key: String,
        /// The file or the environment variable.
        origin: String,
        /// The keys of the same section.
        known: String,
    },
    /// A value that cannot be read at all: not TOML, a word for a number, no address. Names key and place itself.
    #[error(transparent)]
    Value(Box<figment::Error>),
    /// A value that can be read but is not allowed.
    #[error("{key} ({origin}) must be {rule}")]
    NotAllowed {
        /// The key, with its section.
        key: &'static str,
        /// Where the value came from.
        origin: String,
        /// What would be allowed.
        rule: String,
    },
    /// An environment variable of ours that is no text.
    #[error("the environment variable {name} is not valid UTF-8")]
    NotText {
        /// The variable.
        name: String,
    },
}
