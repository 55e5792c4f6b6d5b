//! Pages that keep themselves up to date: `GET /ui/live?page=…` is a stream of server-sent events.
//!
//! An event is a fragment of the page, rendered: `{"id": …, "html": …}`. Only those are sent that have changed. All viewers are
//! shown the service's newest reading, and who sees the same page of the same part of the fleet in the same language shares
//! what is rendered. A stream holds one reading and what of it has not been written yet; whoever is too slow for the next one
//! misses it.

mod shared;

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Extension, Request, State},
    response::{IntoResponse as _, Response},
};
use drover_domain::JobId;
use drover_service::{Snapshot, TokenCheck, WatchedJob};
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use maud::Markup;
use tokio::time::{Instant, timeout_at};

use super::{
    errors::PageError,
    job, overview, queues,
    session::{Call, Viewer, who_looks},
    workers,
};
use crate::web::{WebApi, job_search, params::Params};

use shared::Place;
pub(super) use shared::Streams;

/// How long a stream says nothing before it says that it is there, for proxies between.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: &str = "retry: 2000\n\n";
/// How often it is looked up whether somebody may still look. What is known of a session is believed for some seconds, so that
/// the pages of one share a look-up.
const SESSION_CHECK: Duration = Duration::from_secs(10);

/// A page that is kept up to date.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum LivePage {
    /// How everything does.
    Overview,
    /// One job.
    Job(JobId),
    /// The queues.
    Queues,
    /// The processes.
    Workers,
}

/// A part of a page. It holds no form: what is rendered is shared by those who see the same.
pub(crate) struct Fragment {
    /// The element whose content it is.
    pub(super) id: &'static str,
    /// The content.
    pub(super) html: Markup,
}

impl LivePage {
    /// The page that a stream is asked for.
    fn of(params: &Params) -> Result<Self, PageError> {
        match params.required("page")? {
            "overview" => Ok(Self::Overview),
            "job" => Ok(Self::Job(job_search::job_id(params.required("id")?)?)),
            "queues" => Ok(Self::Queues),
            "workers" => Ok(Self::Workers),
            _ => Err(PageError::bad("page", "is none that is kept up to date")),
        }
    }

    /// The address of its stream.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Overview => "/ui/live?page=overview".into(),
            Self::Job(id) => format!("/ui/live?page=job&id={id}"),
            Self::Queues => "/ui/live?page=queues".into(),
            Self::Workers => "/ui/live?page=workers".into(),
        }
    }

    /// What of it a reading says.
    fn fragments(&self, snapshot: &Snapshot, viewer: &Viewer) -> Vec<Fragment> {
        match self {
            Self::Overview => overview::fragments(snapshot, viewer),
            Self::Job(id) => job::fragments(*id, snapshot, viewer),
            Self::Queues => queues::fragments(snapshot, viewer),
            Self::Workers => workers::fragments(snapshot, viewer),
        }
    }

    /// The job of which it shows more than a list does.
    fn watched(&self) -> Option<JobId> {
        match self {
            Self::Job(id) => Some(*id),
            Self::Overview | Self::Queues | Self::Workers => None,
        }
    }
}

/// `GET /ui/live`.
pub(super) async fn show(
    State(api): State<WebApi>,
    Extension(streams): Extension<Streams>,
    params: Params,
    request: Request,
) -> Result<Response, PageError> {
    // A browser that was sent to sign in would take that for the end of the stream, and the page would stand still.
    let Ok(viewer) = who_looks(&api, Call::of(&request)).await? else { return Ok(events(Body::from(RELOAD))) };
    let page = LivePage::of(&params)?;
    if let Some(job) = page.watched() {
        // What is read of jobs in more detail is for those who see them.
        api.service.job_summary(&viewer.actor, job).await?;
    }
    let Some(place) = streams.take_place(viewer.operator.id) else {
        let retry = [(header::RETRY_AFTER, HeaderValue::from_static("30"))];
        return Ok((StatusCode::SERVICE_UNAVAILABLE, retry).into_response());
    };
    let live = api.service.live();
    let stream = Stream {
        _place: place,
        _watched: page.watched().and_then(|job| live.watch_job(job)),
        readings: live.subscribe(),
        shown: HashMap::new(),
        pending: VecDeque::from([Bytes::from_static(RETRY.as_bytes())]),
        checked_at: Instant::now(),
        spoke_at: Instant::now(),
        is_over: false,
        page,
        viewer,
        streams,
        api,
    };
    let events_of = stream::unfold(stream, |mut stream| async {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Ok(events(Body::from_stream(events_of)))
}

/// Tells the page to load itself anew: it shows what has come to an end, or the session has.
const RELOAD: &str = "event: reload\ndata: {}\n\n";

fn events(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

/// What one viewer is shown.
struct Stream {
    _place: Place,
    _watched: Option<WatchedJob>,
    readings: drover_service::Viewer,
    /// By id, what was sent last.
    shown: HashMap<&'static str, Arc<str>>,
    /// What of the present reading is to be written yet.
    pending: VecDeque<Bytes>,
    checked_at: Instant,
    /// When something was written last. Only by writing it shows that a viewer has gone without a word.
    spoke_at: Instant,
    is_over: bool,
    page: LivePage,
    viewer: Viewer,
    streams: Streams,
    api: WebApi,
}

impl Stream {
    /// The next event; `None`: the stream is over. It is asked for when there is room for it.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.spoke_at = Instant::now();
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if self.checked_at.elapsed() >= SESSION_CHECK && !self.may_still_look().await {
                self.is_over = true;
                return Some(Bytes::from_static(RELOAD.as_bytes()));
            }
            // Readings in which nothing has changed do not put it off.
            let Ok(reading) = timeout_at(self.spoke_at + HEARTBEAT, self.readings.changed()).await else {
                self.spoke_at = Instant::now();
                return Some(Bytes::from_static(b":\n\n"));
            };
            self.take(&*reading?);
        }
    }

    /// Whether the session goes on. Not knowing is no reason to end it: what is shown is in memory.
    async fn may_still_look(&mut self) -> bool {
        self.checked_at = Instant::now();
        match self.api.service.authenticate_operator(self.viewer.token()).await {
            Ok(TokenCheck::Accepted(operator)) => *operator == self.viewer.operator,
            Ok(TokenCheck::Refused) => false,
            Ok(TokenCheck::TooMany { .. }) | Err(_) => true,
        }
    }

    /// What of a reading has changed is to be written.
    fn take(&mut self, snapshot: &Snapshot) {
        let rendered = self.streams.rendered(&self.page, snapshot, &self.viewer);
        for (id, event) in rendered.iter() {
            if self.shown.get(id).is_none_or(|shown| shown != event) {
                self.shown.insert(id, Arc::clone(event));
                self.pending.push_back(Bytes::copy_from_slice(event.as_bytes()));
            }
        }
    }
}
