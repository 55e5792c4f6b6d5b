//! The broker's address, which holds a password and must not show it.

use std::{fmt, str::FromStr};

use lapin::uri::AMQPUri;
use serde::Deserialize;

/// An `amqp://` or `amqps://` URL. `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AmqpUrl(AMQPUri);

impl AmqpUrl {
    /// The virtual host.
    pub(crate) fn vhost(&self) -> &str {
        &self.0.vhost
    }

    /// The address with the defaults that a URL may leave open: it is for the connection alone.
    pub(crate) fn to_uri(&self, connect_timeout_ms: u64, heartbeat_s: u16) -> AMQPUri {
        let mut uri = self.0.clone();
        uri.query.connection_timeout.get_or_insert(connect_timeout_ms);
        uri.query.heartbeat.get_or_insert(heartbeat_s);
        uri
    }
}

impl FromStr for AmqpUrl {
    type Err = InvalidAmqpUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The parser's own words may quote the text, and with it the password.
        text.parse().map(Self).map_err(|_| InvalidAmqpUrl)
    }
}

impl TryFrom<String> for AmqpUrl {
    type Error = InvalidAmqpUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.0;
        let (user, host, port) = (&authority.userinfo.username, &authority.host, authority.port);
        write!(f, "{scheme}://{user}:***@{host}:{port}/{}", vhost.replace('/', "%2f"))
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmqpUrl({self})")
    }
}

/// Not an AMQP URL. The text is left out on purpose: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amqp:// or amqps:// URL, such as amqp://user:password@host:5672/%2f")]
pub struct InvalidAmqpUrl;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let url: AmqpUrl = "amqps://drover:hunter2@mq.example:5671/%2fprod?heartbeat=7".parse().unwrap();
        assert_eq!(url.to_string(), "amqps://drover:***@mq.example:5671/%2fprod");
        assert!(!format!("{url:?}").contains("hunter2"));
        for bad in ["", "drover:hunter2@mq", "http://drover:hunter2@mq"] {
            assert!(!bad.parse::<AmqpUrl>().unwrap_err().to_string().contains("hunter2"), "{bad}");
        }
    }

    #[test]
    fn the_url_wins_over_our_defaults() {
        let url: AmqpUrl = "amqp://mq/%2f?heartbeat=7".parse().unwrap();
        let uri = url.to_uri(5_000, 20);
        assert_eq!((uri.query.heartbeat, uri.query.connection_timeout), (Some(7), Some(5_000)));
    }
}
