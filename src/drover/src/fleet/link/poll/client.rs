//! The two calls of a device that polls.

use std::time::Duration;

use drover_messages::{DeviceReport, Message};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::DeviceToken;

/// Time for a call beyond what it is asked to wait.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 1 << 20;
/// The longest pause that is taken from a server's word.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Where devices call.
#[derive(Debug, Clone)]
pub(super) struct Server {
    http: reqwest::Client,
    commands: Url,
    reports: Url,
}

/// A new list of what is open for a device.
#[derive(Debug)]
pub(super) struct List {
    /// Its name, to be shown in the next call.
    pub(super) tag: Option<String>,
    /// Each command as it stands in the answer: understanding it is the device's business.
    pub(super) commands: Vec<Box<RawValue>>,
}

/// The answer to a question for commands.
#[derive(Debug)]
pub(super) struct Answer {
    /// `None`: nothing changed.
    pub(super) list: Option<List>,
    /// How long the server asks to wait before the next question.
    pub(super) pause: Option<Duration>,
}

#[derive(Deserialize)]
struct Body {
    commands: Vec<Box<RawValue>>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallProblem {
    /// The server said no.
    #[error("the server answered {status}")]
    Status {
        /// Its answer.
        status: StatusCode,
        /// How long it asks to wait.
        pause: Option<Duration>,
    },
    /// There was no whole answer.
    #[error("the call broke off")]
    BrokeOff(#[source] reqwest::Error),
    /// The answer is too long.
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    TooLong,
    /// Not JSON, or not what was asked for.
    #[error("the answer or the question is malformed")]
    Malformed(#[from] serde_json::Error),
}

impl CallProblem {
    /// Whether the server does not know the device, or not under this token.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. })
    }

    /// Whether saying the same again would be answered in the same way.
    pub(super) fn is_final(&self) -> bool {
        let Self::Status { status, .. } = self else { return matches!(self, Self::Malformed(_)) };
        status.is_client_error()
            && !self.is_refusal()
            && !matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    }

    /// How long the server asks to wait.
    pub(super) const fn pause(&self) -> Option<Duration> {
        match self {
            Self::Status { pause, .. } => *pause,
            _ => None,
        }
    }
}

impl Server {
    /// A server whose API of devices is below `base`.
    pub(super) fn new(http: reqwest::Client, base: &Url) -> Self {
        let below = |path| {
            let mut url = base.clone();
            url.set_path(&format!("{}/device/v1/{path}", base.path().trim_end_matches('/')));
            url
        };
        Self { http, commands: below("commands"), reports: below("reports") }
    }

    /// Asks for commands, and waits for a change of what the device knows by `tag`.
    pub(super) async fn ask(
        &self,
        device: &DeviceToken,
        tag: Option<&str>,
        wait: Duration,
    ) -> Result<Answer, CallProblem> {
        let mut url = self.commands.clone();
        url.set_query(Some(&format!("wait={}", wait.as_secs())));
        let mut request = self.call(Method::GET, url, device).timeout(wait + CALL_LIMIT);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let response = request.send().await.map_err(broke_off)?;
        let pause = retry_after(&response);
        match response.status() {
            StatusCode::NOT_MODIFIED => Ok(Answer { list: None, pause }),
            StatusCode::OK => {
                let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                let Body { commands } = serde_json::from_slice(&read(response).await?)?;
                Ok(Answer { list: Some(List { tag, commands }), pause })
            }
            status => Err(CallProblem::Status { status, pause }),
        }
    }

    /// Reports. Whatever the server makes of each report, it has them all, or none.
    pub(super) async fn report(&self, device: &DeviceToken, reports: &[&DeviceReport]) -> Result<(), CallProblem> {
        let bodies: Result<Vec<Vec<u8>>, _> = reports.iter().map(|report| report.encode()).collect();
        let body = [b"[".as_slice(), &bodies?.join(&b','), b"]"].concat();
        let request = self.call(Method::POST, self.reports.clone(), device).timeout(CALL_LIMIT);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let response = request.send().await.map_err(broke_off)?;
        match response.status() {
            // Read to its end, so that the connection can be used again.
            StatusCode::OK => read(response).await.map(drop),
            status => Err(CallProblem::Status { status, pause: retry_after(&response) }),
        }
    }

    fn call(&self, method: Method, url: Url, device: &DeviceToken) -> RequestBuilder {
        self.http.request(method, url).basic_auth(&device.uuid, Some(device.token.expose()))
    }
}

fn broke_off(error: reqwest::Error) -> CallProblem {
    CallProblem::BrokeOff(error.without_url())
}

async fn read(mut response: Response) -> Result<Vec<u8>, CallProblem> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broke_off)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(CallProblem::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The pause in whole seconds; the other form, a date, is not used by the server.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_below_the_base() {
        for (base, expected) in [
            ("http://h:1", "http://h:1/device/v1/commands"),
            ("http://h:1/", "http://h:1/device/v1/commands"),
            ("http://h/drover/", "http://h/drover/device/v1/commands"),
        ] {
            let http = crate::client::http_client().build().unwrap();
            assert_eq!(Server::new(http, &base.parse().unwrap()).commands.as_str(), expected);
        }
    }

    #[test]
    fn what_is_worth_saying_again_is_told_from_what_is_not() {
        let is_final =
            |code| CallProblem::Status { status: StatusCode::from_u16(code).unwrap(), pause: None }.is_final();
        assert!([400, 404, 413].into_iter().all(is_final));
        assert!(![401, 408, 429, 500, 502, 503].into_iter().any(is_final));
    }
}
