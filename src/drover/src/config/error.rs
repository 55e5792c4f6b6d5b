//! What is wrong with a configuration, with the key and the place it came from.

use std::io;
use std::path::PathBuf;

use figment::Profile;

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
    #[error("{0}")]
    Value(String),
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

impl From<figment::Error> for ConfigError {
    /// Says what is wrong with which key, never what stands there: it may be a secret in the wrong place.
    fn from(error: figment::Error) -> Self {
        use figment::error::Kind;
        let problem = match &error.kind {
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("expected {expected}"),
            Kind::InvalidLength(_, expected) => format!("expected {expected}"),
            Kind::UnknownVariant(_, expected) => format!("expected one of {}", expected.join(", ")),
            // A parser shows the whole line below its first one.
            other => other.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        let name = error.metadata.as_ref().map_or_else(
            || error.path.join("."),
            |metadata| metadata.interpolate(error.profile.as_ref().unwrap_or(&Profile::Default), &error.path),
        );
        let key = if error.path.is_empty() {
            String::new()
        } else {
            format!(" for key {}", name.trim_start_matches("default."))
        };
        let origin = error.metadata.as_ref().map_or_else(String::new, |metadata| {
            let source = metadata.source.as_ref().map_or_else(String::new, |source| format!(" {source}"));
            format!(" in {}{source}", metadata.name)
        });
        Self::Value(format!("{problem}{key}{origin}"))
    }
}
