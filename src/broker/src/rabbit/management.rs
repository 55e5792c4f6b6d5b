//! RabbitMQ's management API, for what AMQP cannot do: ending the connections of others, and telling rates.

use std::{fmt, str::FromStr, time::Duration};

use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a whole call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What of an answer is read at the most. A queue is described in some hundred bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// What is asked of a queue.
const COLUMNS: &str =
    "messages_unacknowledged,message_stats.publish_details.rate,message_stats.deliver_get_details.rate";

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
    /// It said something else than was asked.
    #[error("the management API's answer cannot be read")]
    Unreadable,
}

/// What the management API knows of a queue, some seconds old.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct QueueFigures {
    pub(super) unacked: u64,
    pub(super) published_per_s: f64,
    pub(super) delivered_per_s: f64,
}

#[derive(Deserialize)]
struct QueueAnswer {
    #[serde(default)]
    messages_unacknowledged: u64,
    #[serde(default)]
    message_stats: MessageStats,
}

/// Absent for a queue that no message ever came to.
#[derive(Default, Deserialize)]
struct MessageStats {
    #[serde(default)]
    publish_details: Rate,
    #[serde(default)]
    deliver_get_details: Rate,
}

#[derive(Default, Deserialize)]
struct Rate {
    #[serde(default)]
    rate: f64,
}

impl Management {
    /// Ends every connection of a user, whatever it speaks. A connection of Drover's own under that name heals itself.
    pub async fn close_connections(&self, user: &str) -> Result<(), ManagementError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "connections", "username", user]);
        }
        let request = self.http.delete(url).basic_auth(&self.user, Some(&self.password)).header("X-Reason", "revoked");
        accepted(request.send().await.map_err(ManagementError::Request)?)?;
        Ok(())
    }

    /// What is known of a queue.
    pub(super) async fn queue(&self, vhost: &str, name: &str) -> Result<QueueFigures, ManagementError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "queues", vhost, name]);
        }
        url.query_pairs_mut().append_pair("columns", COLUMNS);
        let request = self.http.get(url).basic_auth(&self.user, Some(&self.password));
        let mut answer = accepted(request.send().await.map_err(ManagementError::Request)?)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(ManagementError::Request)? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                return Err(ManagementError::Unreadable);
            }
            body.extend_from_slice(&chunk);
        }
        figures(&body)
    }
}

fn accepted(answer: Response) -> Result<Response, ManagementError> {
    if answer.status().is_success() { Ok(answer) } else { Err(ManagementError::Refused(answer.status())) }
}

fn figures(body: &[u8]) -> Result<QueueFigures, ManagementError> {
    let answer: QueueAnswer = serde_json::from_slice(body).map_err(|_| ManagementError::Unreadable)?;
    Ok(QueueFigures {
        unacked: answer.messages_unacknowledged,
        published_per_s: answer.message_stats.publish_details.rate,
        delivered_per_s: answer.message_stats.deliver_get_details.rate,
    })
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
    fn what_is_known_of_a_queue_is_read_and_what_is_not_is_none() {
        let full = br#"{"messages_unacknowledged":7,"message_stats":{"publish_details":{"rate":1.5},"deliver_get_details":{"rate":2}}}"#;
        let read = figures(full).unwrap();
        assert_eq!(read, QueueFigures { unacked: 7, published_per_s: 1.5, delivered_per_s: 2.0 });
        let fresh = QueueFigures { unacked: 0, published_per_s: 0.0, delivered_per_s: 0.0 };
        assert_eq!(figures(br#"{"messages_unacknowledged":0}"#).unwrap(), fresh);
        assert!(figures(b"<html>").is_err());
    }

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
