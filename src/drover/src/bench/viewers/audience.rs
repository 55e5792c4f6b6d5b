//! Those who look: each has a page open, and the stream that keeps it up to date.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use drover_domain::{JobId, Role};
use drover_service::{Actor, NewOperator, Service};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, StatusCode,
    header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE},
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::client::http_client;

/// In whose name everybody looks.
const LOGIN: &str = "viewer";
/// Time for a call that is no stream.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time until everybody has a page open.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// The pause before a viewer opens a page again that is not kept up to date, or is no longer.
const PAUSE: Duration = Duration::from_secs(1);
/// What a page says about its stream.
const STREAM: &str = "data-live=\"";
/// Pages are shared by those who see the same: they are read in both languages.
const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// Somebody who has signed in.
pub(super) struct Audience {
    http: Client,
    base_url: String,
    cookie: String,
}

/// What all of them have seen.
#[derive(Debug, Default)]
struct Counts {
    updates: AtomicU64,
    lost: AtomicU64,
    settled: AtomicUsize,
    somebody_settled: Notify,
}

/// What all of them saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Pieces of pages.
    pub(super) updates: u64,
    /// Streams that ended before they should have.
    pub(super) lost: u64,
}

impl Audience {
    /// Makes an operator who sees everything, and signs in.
    pub(super) async fn sign_in(service: &Service, base_url: &str) -> anyhow::Result<Self> {
        let tenant = format!("viewers-{:08x}", rand::random::<u32>());
        service.add_tenant(&tenant).await?;
        let owner = service.owner_of(&tenant).await?;
        let password = service.random_password();
        let new = NewOperator {
            login_id: LOGIN.into(),
            name: LOGIN.into(),
            role: Role::ReadOnly,
            organisation: None,
            password: password.clone(),
        };
        let operator = service.add_operator(&owner, new).await?;
        service.set_runs_installation(&Actor::command_line("bench"), operator.id, true).await?;
        // Streams last, so the client has no limit for calls.
        let http = http_client().build()?;
        let form = [("tenant", tenant.as_str()), ("login", LOGIN), ("password", password.expose())];
        let body = form_body(&form);
        let call = http
            .post(format!("{base_url}/ui/sign-in"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .timeout(CALL_TIMEOUT);
        let answer = call.send().await?;
        ensure!(answer.status() == StatusCode::SEE_OTHER, "signing in was answered with {}", answer.status());
        let cookie = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()?.split(';').next());
        let cookie = cookie.context("signing in gave no cookie")?.to_owned();
        Ok(Self { http, base_url: base_url.to_owned(), cookie })
    }

    /// So many begin to look, by turns at the overview and the job. Returns when each has a page open.
    pub(super) async fn look(&self, job: JobId, viewers: usize) -> anyhow::Result<Looking> {
        let (stop, counts) = (CancellationToken::new(), Arc::new(Counts::default()));
        let mut tasks = JoinSet::new();
        for number in 0..viewers {
            let page = if number % 2 == 0 { "/ui".to_owned() } else { format!("/ui/jobs/{job}") };
            let viewer = Viewer {
                http: self.http.clone(),
                base_url: self.base_url.clone(),
                page,
                cookie: self.cookie.clone(),
                language: LANGUAGES[number / 2 % 2],
                counts: Arc::clone(&counts),
                has_settled: false,
            };
            let stop = stop.clone();
            tasks.spawn(async move { stop.run_until_cancelled(viewer.look()).await.unwrap_or(Ok(())) });
        }
        let mut looking = Looking { stops: stop.drop_guard(), tasks, counts };
        timeout(READY_LIMIT, looking.settled(viewers)).await.context("not everybody could open a page")??;
        Ok(looking)
    }
}

/// A form's body.
fn form_body(form: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    form.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Those who look, until this is ended or dropped.
pub(super) struct Looking {
    stops: tokio_util::sync::DropGuard,
    tasks: JoinSet<anyhow::Result<()>>,
    counts: Arc<Counts>,
}

impl Looking {
    async fn settled(&mut self, viewers: usize) -> anyhow::Result<()> {
        while self.counts.settled.load(Ordering::Relaxed) < viewers {
            tokio::select! {
                () = self.counts.somebody_settled.notified() => {}
                Some(ended) = self.tasks.join_next() => ended.context("a viewer panicked")??,
            }
        }
        Ok(())
    }

    /// They look away.
    pub(super) async fn end(self) -> anyhow::Result<Seen> {
        let Self { stops, mut tasks, counts } = self;
        drop(stops);
        while let Some(ended) = tasks.join_next().await {
            ended.context("a viewer panicked")??;
        }
        let seen = Seen { updates: counts.updates.load(Ordering::Relaxed), lost: counts.lost.load(Ordering::Relaxed) };
        ensure!(seen.updates > 0, "nobody was sent anything");
        Ok(seen)
    }
}

/// Somebody who looks.
struct Viewer {
    http: Client,
    base_url: String,
    page: String,
    cookie: String,
    language: &'static str,
    counts: Arc<Counts>,
    has_settled: bool,
}

impl Viewer {
    /// Keeps the page open, and up to date, without end.
    async fn look(mut self) -> anyhow::Result<()> {
        loop {
            let stream = self.open().await?;
            if stream.is_none() {
                self.settle();
            }
            // A job that does not run, or does no more, has nothing to tell.
            if let Some(address) = stream
                && let Err(error) = self.follow(&address).await
            {
                tracing::debug!(%error, "a stream ended");
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
            }
            sleep(PAUSE.mul_f64(rand::random_range(0.5..=1.0))).await;
        }
    }

    /// The page is open, and has been brought up to date if it is ever to be.
    fn settle(&mut self) {
        if !std::mem::replace(&mut self.has_settled, true) {
            self.counts.settled.fetch_add(1, Ordering::Relaxed);
            self.counts.somebody_settled.notify_one();
        }
    }

    fn get(&self, address: &str) -> reqwest::RequestBuilder {
        let call = self.http.get(format!("{}{address}", self.base_url));
        call.header(COOKIE, &self.cookie).header(ACCEPT_LANGUAGE, self.language)
    }

    /// Opens the page. `None`: it does not keep itself up to date.
    async fn open(&self) -> anyhow::Result<Option<String>> {
        let answer = self.get(&self.page).timeout(CALL_TIMEOUT).send().await?;
        ensure!(answer.status() == StatusCode::OK, "{} was answered with {}", self.page, answer.status());
        let page = answer.text().await?;
        Ok(stream_of(&page))
    }

    /// Reads the stream until it says that the page is over.
    async fn follow(&mut self, address: &str) -> anyhow::Result<()> {
        let mut answer = self.get(address).send().await?;
        ensure!(answer.status() == StatusCode::OK, "{address} was answered with {}", answer.status());
        let mut line = Line::default();
        while let Some(chunk) = answer.chunk().await? {
            for byte in chunk {
                match line.take(byte) {
                    Some(Event::Fragment) => {
                        self.counts.updates.fetch_add(1, Ordering::Relaxed);
                        self.settle();
                    }
                    Some(Event::Reload) => return Ok(()),
                    None => {}
                }
            }
        }
        bail!("the stream ended")
    }
}

/// Where a page says that its stream is.
fn stream_of(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(STREAM)?;
    rest.split('"').next().map(|address| address.replace("&amp;", "&"))
}

/// What a stream says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A piece of the page.
    Fragment,
    /// The page is over.
    Reload,
}

/// A line of a stream. No more of it is kept than names an event.
#[derive(Debug, Default)]
struct Line {
    start: Vec<u8>,
}

impl Line {
    /// The event that a line names, at its end.
    fn take(&mut self, byte: u8) -> Option<Event> {
        if byte != b'\n' {
            if self.start.len() <= b"event: fragment".len() {
                self.start.push(byte);
            }
            return None;
        }
        let event = match self.start.as_slice() {
            b"event: fragment" => Some(Event::Fragment),
            b"event: reload" => Some(Event::Reload),
            _ => None,
        };
        self.start.clear();
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_stream() {
        let page = r#"<body data-live="/ui/live?page=job&amp;job=7"><a>"#;
        assert_eq!(stream_of(page).as_deref(), Some("/ui/live?page=job&job=7"));
        assert_eq!(stream_of("<body><a>"), None);
    }

    #[test]
    fn events_are_counted_whatever_they_hold() {
        let stream = b"retry: 2000\n\n:\n\nevent: fragment\ndata: {\"html\": \"event: fragment\"}\n\nevent: fragments\n\nevent: reload\ndata: {}\n\n";
        let mut line = Line::default();
        let events: Vec<Event> = stream.iter().filter_map(|byte| line.take(*byte)).collect();
        assert_eq!(events, [Event::Fragment, Event::Reload]);
    }
}
