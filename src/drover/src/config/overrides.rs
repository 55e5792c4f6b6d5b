//! What the command line says, stronger than everything else.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

/// The values of the flags that were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    file: Option<PathBuf>,
    values: Dict,
    fallbacks: Dict,
}

impl Overrides {
    /// No flags but perhaps `--config FILE`, which then has to exist.
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self { file, values: Dict::new(), fallbacks: Dict::new() }
    }

    /// Sets a key such as `http.listen` when its flag was given. The key is checked like any other.
    #[must_use]
    pub(crate) fn set(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            super::sources::insert(&mut self.values, key, value.into());
        }
        self
    }

    /// What a command takes for a key that nobody has set, instead of the built-in value.
    #[must_use]
    pub(crate) fn fall_back_to(mut self, key: &str, value: impl Into<Value>) -> Self {
        super::sources::insert(&mut self.fallbacks, key, value.into());
        self
    }

    /// The values that are weaker than any other but the built-in ones.
    pub(super) fn fallbacks(&self) -> Fallbacks<'_> {
        Fallbacks(&self.fallbacks)
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl Provider for &Overrides {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// See [`Overrides::fall_back_to`].
pub(super) struct Fallbacks<'a>(&'a Dict);

impl Provider for Fallbacks<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}
