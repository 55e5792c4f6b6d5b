//! Signed calls over HTTP.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
    multipart::Form,
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::{
    ClientError, Credentials,
    answers::{Envelope, Refusal},
    signature::Signed,
};

/// Time to get a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a call.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for an upload.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);
/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 8 << 20;
/// Tries of a call that changes nothing.
const TRIES: u32 = 5;
/// The pause before the second try; it doubles with every further one.
const PAUSE: Duration = Duration::from_millis(200);

const ECHO: &str = "/echo";
const MASTER_KEY: &str = "MasterKey";
const SERVER_TIME: HeaderName = HeaderName::from_static("x-ag-timestamp");

/// An HTTP client as every part of this program should have it. What reads the environment is switched off.
pub(crate) fn http_client() -> reqwest::ClientBuilder {
    // The program has chosen its provider; tests have none yet. An error says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("drover/", env!("CARGO_PKG_VERSION")))
}

/// What a call sends.
pub(super) enum Sending {
    /// Nothing; the call changes nothing, and is made again when it fails.
    Get,
    /// JSON.
    Post(String),
    /// JSON.
    Put(String),
    /// A form with a file. The signature does not cover it: it covers the file's hash in the query.
    Upload(Form),
}

/// Signs calls and carries them.
pub(super) struct Transport {
    http: reqwest::Client,
    base_url: String,
    credentials: Credentials,
    /// The server's time in milliseconds, when it was asked.
    server_time_ms: i64,
    asked_at: Instant,
}

impl Transport {
    pub(super) async fn connect(base_url: &str, credentials: Credentials) -> Result<Self, ClientError> {
        let http = http_client().build().map_err(ClientError::SetUp)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        let url = format!("{base_url}{ECHO}");
        let server_time_ms = patiently(async || server_time(&http, &url).await).await?;
        Ok(Self { http, base_url, credentials, server_time_ms, asked_at: Instant::now() })
    }

    /// Makes a call and reads its result. Only what changes nothing is tried again.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        sending: Sending,
    ) -> Result<T, ClientError> {
        let text = query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let url = format!("{}{path}?{}", self.base_url, text.collect::<Vec<_>>().join("&"));
        match sending {
            Sending::Get => patiently(async || self.call(Method::GET, path, &url, query, Body::Nothing).await).await,
            Sending::Post(json) => self.call(Method::POST, path, &url, query, Body::Json(json)).await,
            Sending::Put(json) => self.call(Method::PUT, path, &url, query, Body::Json(json)).await,
            Sending::Upload(form) => self.call(Method::POST, path, &url, query, Body::Form(form)).await,
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        url: &str,
        query: &[(&str, String)],
        body: Body,
    ) -> Result<T, ClientError> {
        let call = format!("{method} {path}");
        let Credentials { app_key, secret, master_key } = &self.credentials;
        let mut parameters: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        parameters.push((MASTER_KEY, master_key.expose()));
        let timestamp_ms = self.now_ms();
        let signed = Signed { application: app_key, timestamp_ms, parameters: &parameters, body: body.signed() };
        let request = self
            .http
            .request(method, url)
            .header("application", app_key)
            .header("timestamp", timestamp_ms)
            .header("signature", signed.sign(secret.expose()))
            .header(MASTER_KEY, master_key.expose());
        let request = match body {
            Body::Nothing => request.timeout(CALL_TIMEOUT),
            Body::Json(json) => request.timeout(CALL_TIMEOUT).header(CONTENT_TYPE, "application/json").body(json),
            Body::Form(form) => request.timeout(UPLOAD_TIMEOUT).multipart(form),
        };
        match request.send().await {
            Ok(response) => result(call, response).await,
            Err(source) => Err(ClientError::Http { call, source }),
        }
    }

    /// The server's time now.
    fn now_ms(&self) -> i64 {
        let since = i64::try_from(self.asked_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.server_time_ms.saturating_add(since)
    }
}

enum Body {
    Nothing,
    Json(String),
    Form(Form),
}

impl Body {
    fn signed(&self) -> &str {
        match self {
            Self::Json(json) => json,
            Self::Nothing | Self::Form(_) => "",
        }
    }
}

/// Calls until it goes well, the try is the last one, or trying again is pointless.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let mut tried = 1;
    loop {
        match call().await {
            Err(error) if error.is_transient() && tried < TRIES => {
                tracing::debug!(%error, tried, "a call is made again");
                sleep(PAUSE.saturating_mul(1 << (tried - 1)).mul_f64(rand::random_range(0.5..=1.0))).await;
                tried += 1;
            }
            done => return done,
        }
    }
}

async fn server_time(http: &reqwest::Client, url: &str) -> Result<i64, ClientError> {
    let call = || format!("GET {ECHO}");
    let response = http.get(url).timeout(CALL_TIMEOUT).send().await;
    let response = response.map_err(|source| ClientError::Http { call: call(), source })?;
    let time = response.headers().get(SERVER_TIME).and_then(|time| time.to_str().ok()?.parse().ok());
    let problem = || format!("no time in header {SERVER_TIME}");
    time.ok_or_else(|| ClientError::NotTheApi { call: call(), status: response.status(), problem: problem() })
}

async fn result<T: DeserializeOwned>(call: String, mut response: Response) -> Result<T, ClientError> {
    let status = response.status();
    let mut answer = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if answer.len() + chunk.len() <= ANSWER_MAX_BYTES => answer.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                let problem = format!("it is longer than {ANSWER_MAX_BYTES} bytes");
                return Err(ClientError::NotTheApi { call, status, problem });
            }
            Ok(None) => return read(call, status, &answer),
            Err(source) => return Err(ClientError::Http { call, source }),
        }
    }
}

fn read<T: DeserializeOwned>(call: String, status: StatusCode, answer: &[u8]) -> Result<T, ClientError> {
    if status.is_success() {
        match serde_json::from_slice(answer) {
            Ok(Envelope { code: 0, result, .. }) => Ok(result),
            Ok(Envelope { code, msg, .. }) => {
                Err(ClientError::Refused { call, status, code, msg, desc: String::new() })
            }
            Err(error) => Err(ClientError::NotTheApi { call, status, problem: error.to_string() }),
        }
    } else {
        match serde_json::from_slice(answer) {
            Ok(Refusal { code, msg, desc }) => Err(ClientError::Refused { call, status, code, msg, desc }),
            Err(error) => Err(ClientError::NotTheApi { call, status, problem: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use drover_service::Secret;

    use super::*;
    use crate::client::{Page, Subtask};

    fn read_as<T: DeserializeOwned>(status: u16, answer: &str) -> Result<T, String> {
        let status = StatusCode::from_u16(status).unwrap();
        read("GET /x".into(), status, answer.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn answers_and_refusals_are_told_apart() {
        assert_eq!(read_as::<String>(200, r#"{"code":0,"msg":"ok","result":"SUCCESS"}"#), Ok("SUCCESS".into()));
        let page: Page<Subtask> = read_as(
            200,
            r#"{"code":0,"msg":"ok","result":{"pageNum":1,"pageSize":1,"total":9,"list":[
                {"deviceId":"d1","taskState":"7","resultCode":"E","updateTime":"","jobId":1}]}}"#,
        )
        .unwrap();
        assert_eq!((page.total, page.list[0].device_id.as_str(), page.list[0].result_code.as_str()), (9, "d1", "E"));
        for (status, answer, expected) in [
            (
                401,
                r#"{"code":401,"msg":"Unauthorized","desc":"the signature is wrong"}"#,
                "GET /x: HTTP 401 Unauthorized, code 401 Unauthorized: the signature is wrong",
            ),
            (
                502,
                "<html>",
                "GET /x: HTTP 502 Bad Gateway, and an answer that is not the API's: expected value at line 1 column 1",
            ),
        ] {
            assert_eq!(read_as::<String>(status, answer), Err(expected.to_owned()));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = || Secret::new("hidden");
        let credentials = Credentials { app_key: "app".into(), secret: secret(), master_key: secret() };
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
