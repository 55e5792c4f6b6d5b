//! RabbitMQ's management API, for what AMQP cannot do: ending the connections of others.

use std::{fmt, str::FromStr, time::Duration};

use reqwest::{Client, StatusCode, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a whole call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The management API and the account to use it with. `Debug` leaves the password out.
#[derive(Clone)]
pub struct Management {
    http: Client,
    base: Url,
    user: String,
    password: String,
}

/// Why the management API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// No answer.
    #[error("the management API does not answer: {0}")]
    Request(#[source] reqwest::Error),
    /// It refused: a wrong account, one that is no administrator, or not the management API at all.
    #[error("the management API answered {0}")]
    Refused(StatusCode),
}

impl Management {
    /// Ends every connection of a user, whatever it speaks. A connection of Drover's own under that name heals itself.
    pub async fn close_connections(&self, user: &str) -> Result<(), ManagementError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "connections", "username", user]);
        }
        let request = self.http.delete(url).basic_auth(&self.user, Some(&self.password)).header("X-Reason", "revoked");
        let answer = request.send().await.map_err(ManagementError::Request)?;
        if answer.status().is_success() { Ok(()) } else { Err(ManagementError::Refused(answer.status())) }
    }
}

impl FromStr for Management {
    type Err = InvalidManagementUrl;

    /// Reads `http://user:password@host:15672`, or `https://…`.
    fn from_str(text: &str) -> Result<Self, InvalidManagementUrl> {
        let mut base: Url = text.parse().map_err(|_| InvalidManagementUrl)?;
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (decoded(base.username()), decoded(base.password().unwrap_or_default()));
        let is_web = ["http", "https"].contains(&base.scheme());
        // What is left is shown in errors.
        if !is_web || user.is_empty() || base.set_password(None).is_err() || base.set_username("").is_err() {
            return Err(InvalidManagementUrl);
        }
        // The program has chosen its provider; tests have none yet. An error says that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| InvalidManagementUrl)?;
        Ok(Self { http, base, user, password })
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Management({} as {})", self.base, self.user)
    }
}

/// Not the URL of a management API. The text is left out on purpose: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of RabbitMQ's management API, such as http://user:password@host:15672")]
pub struct InvalidManagementUrl;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let management: Management = "https://drover:hunter%2f2@mq.example:15671/mq".parse().unwrap();
        assert_eq!(management.password, "hunter/2");
        assert_eq!(format!("{management:?}"), "Management(https://mq.example:15671/mq as drover)");
        for bad in ["", "mq:15672", "amqp://drover:hunter2@mq", "http://mq:15672"] {
            assert!(!bad.parse::<Management>().unwrap_err().to_string().contains("hunter2"), "{bad}");
        }
    }
}
