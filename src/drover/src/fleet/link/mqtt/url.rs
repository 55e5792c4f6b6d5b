//! Where devices find the broker.

use std::{fmt, str::FromStr};

/// MQTT without TLS.
const DEFAULT_PORT: u16 = 1883;

/// `mqtt://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MqttUrl {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Not such a URL. The text is left out on purpose: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be mqtt://host or mqtt://host:port; devices log in with their own names, and without TLS")]
pub(crate) struct InvalidMqttUrl;

impl FromStr for MqttUrl {
    type Err = InvalidMqttUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = reqwest::Url::parse(text).map_err(|_| InvalidMqttUrl)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        match url.host_str() {
            Some(host) if url.scheme() == "mqtt" && is_bare && !host.is_empty() => {
                Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(DEFAULT_PORT) })
            }
            _ => Err(InvalidMqttUrl),
        }
    }
}

impl fmt::Display for MqttUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_host_and_nobody() {
        for (text, expected) in [
            ("mqtt://broker", "mqtt://broker:1883"),
            ("mqtt://127.0.0.1:2883/", "mqtt://127.0.0.1:2883"),
            ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
        ] {
            assert_eq!(text.parse::<MqttUrl>().unwrap().to_string(), expected);
        }
        for bad in ["broker:1883", "mqtts://broker", "mqtt://user:hidden@broker", "mqtt://broker/path", "mqtt://", ""] {
            let error = bad.parse::<MqttUrl>().unwrap_err().to_string();
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
