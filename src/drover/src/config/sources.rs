//! The file and the environment as figment providers that know which keys there are.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::{Config, ConfigError};

const PREFIX: &str = "DROVER_";
/// Names that every hosting platform uses. Drover's own names are stronger.
const USUAL: [(&str, &str); 2] = [("DATABASE_URL", "database.url"), ("AMQP_URL", "amqp.url")];

/// Every key there is, as the tree of the built-in values.
pub(super) struct Keys(Dict);

impl Keys {
    /// The keys of [`Config`].
    pub(super) fn of_default() -> Result<Self, ConfigError> {
        let extracted = Figment::from(Serialized::defaults(Config::default())).extract();
        extracted.map(Self).map_err(ConfigError::from)
    }

    /// Every key with its built-in value, sections joined by dots.
    #[cfg(test)]
    pub(super) fn flat(&self) -> Vec<(String, Value)> {
        let mut flat = Vec::new();
        for (name, value) in &self.0 {
            match value.as_dict() {
                Some(section) => flat.extend(section.iter().map(|(key, v)| (format!("{name}.{key}"), v.clone()))),
                None => flat.push((name.clone(), value.clone())),
            }
        }
        flat
    }

    /// The built-in value of a key, if there is such a key and it is no section.
    fn find(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut found = self.0.get(parts.next()?)?;
        for part in parts {
            found = found.as_dict()?.get(part)?;
        }
        found.as_dict().is_none().then_some(found)
    }

    /// Fails on the first key of `given` that is not among ours.
    fn check(&self, given: &Dict, origin: &str) -> Result<(), ConfigError> {
        for (name, value) in given {
            match (self.0.get(name).map(Value::as_dict), value.as_dict()) {
                (None, _) => return Err(self.unknown(name, origin)),
                (Some(Some(section)), Some(values)) => {
                    if let Some(key) = values.keys().find(|key| !section.contains_key(*key)) {
                        return Err(self.unknown(&format!("{name}.{key}"), origin));
                    }
                }
                // A value for a section or the other way round is a type error, which figment explains.
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    fn unknown(&self, key: &str, origin: &str) -> ConfigError {
        let section = key.split_once('.').and_then(|(section, _)| self.0.get(section)?.as_dict());
        let known = section.unwrap_or(&self.0).keys().cloned().collect::<Vec<_>>().join(", ");
        ConfigError::UnknownKey { key: key.to_owned(), origin: origin.to_owned(), known }
    }
}

/// The TOML file: the one asked for, which must exist, or the default one, which need not.
pub(super) fn file(
    asked: Option<&Path>,
    default: &Path,
    keys: &Keys,
) -> Result<Option<impl Provider + use<>>, ConfigError> {
    let path = asked.unwrap_or(default);
    match fs::metadata(path) {
        Err(error) if asked.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::File { path: path.to_owned(), source }),
        Ok(_) => {}
    }
    let toml = Toml::file_exact(path);
    let given: Dict = Figment::from(&toml).extract().map_err(ConfigError::from)?;
    keys.check(&given, &path.display().to_string())?;
    Ok(Some(toml))
}

/// `DROVER_<SECTION>__<KEY>` and the usual names. Empty variables count as unset: compose files produce them.
pub(super) struct Environment(Dict);

impl Environment {
    /// Takes ours from among all variables.
    pub(super) fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        keys: &Keys,
    ) -> Result<Self, ConfigError> {
        let (mut usual, mut own) = (Vec::new(), Vec::new());
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            // Kubernetes sets these for a service that is called drover.
            if name.starts_with("DROVER_PORT") || name.starts_with("DROVER_SERVICE_") {
                continue;
            }
            let alias = USUAL.iter().find(|(alias, _)| *alias == name);
            let key = match (alias, name.strip_prefix(PREFIX)) {
                (Some((_, key)), _) => (*key).to_owned(),
                (None, Some(rest)) => rest.to_lowercase().replace("__", "."),
                (None, None) => continue,
            };
            let Some(default) = keys.find(&key) else {
                return Err(keys.unknown(&key, &format!("the environment variable {name}")));
            };
            let text = value.into_string().map_err(|_| ConfigError::NotText { name: name.to_owned() })?;
            if !text.is_empty() {
                let value = typed(default, text);
                if alias.is_some() { usual.push((key, value)) } else { own.push((key, value)) }
            }
        }
        let mut values = Dict::new();
        for (key, value) in usual.into_iter().chain(own) {
            insert(&mut values, &key, value);
        }
        Ok(Self(values))
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment").interpolater(|_: &Profile, keys: &[&str]| variable(&keys.join(".")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// A password of digits stays a text: the built-in value decides what is a number.
fn typed(default: &Value, text: String) -> Value {
    let number = default.to_num().and_then(|_| text.parse::<u64>().ok());
    number.map_or_else(|| Value::from(text), Value::from)
}

/// Puts a value where its dotted key says.
pub(super) fn insert(values: &mut Dict, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            values.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = values.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}
