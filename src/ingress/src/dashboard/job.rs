//! One job: how far it is, how it went, why devices failed, and its commands.

mod buttons;
mod commands;
mod facts;
mod failures;
mod figures;
mod texts;

use axum::{
    extract::{Path, State},
    response::{Html, Response},
};
use chrono::{DateTime, Utc};
use drover_domain::{JobId, JobKind, JobState, StateCounts};
use drover_service::{Failures, JobDetail, JobPace, JobSample, ListFrom, Snapshot};
use maud::{Markup, html};

use super::{
    Answer, control,
    errors::PageError,
    layout::{Frame, Room, as_html, page},
    live::{Fragment, LivePage},
    session::Viewer,
    words::{job_badge, job_kind},
};
use crate::web::{WebApi, commands_csv, job_search, params::Params};
use texts::Texts;

/// Commands of one page.
const SHOWN: u32 = 50;
/// The longest text that says where a page begins.
const AFTER_MAX_CHARS: usize = 128;

/// What of a job moves: read for its page, or by the second for everybody who looks at it.
pub(super) struct Now<'a> {
    id: JobId,
    kind: JobKind,
    state: JobState,
    started_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    counts: &'a StateCounts,
    /// `None`: so many look at jobs that this one's are not read.
    more: Option<(&'a [JobSample], &'a Failures)>,
    pace: JobPace,
    at: DateTime<Utc>,
    /// Whether the course ends with its last sample: who is shown it by the second is sent it again when there is a new one.
    is_live: bool,
}

impl<'a> Now<'a> {
    fn of(detail: &'a JobDetail) -> Self {
        let job = &detail.summary;
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            started_at: job.started_at,
            expires_at: job.expires_at,
            finished_at: job.finished_at,
            counts: &job.counts,
            more: Some((&detail.samples, &detail.failures)),
            pace: detail.pace,
            at: detail.more.read_at,
            is_live: false,
        }
    }

    /// `None`: nobody has read it yet, or it is out of the viewer's reach.
    fn of_snapshot(snapshot: &'a Snapshot, viewer: &Viewer, id: JobId) -> Option<Self> {
        let reach = &viewer.actor.reach;
        let (job, at) = (&snapshot.job(reach, id)?.job, snapshot.at?);
        let more = snapshot.watched(reach, id).map(|watched| (watched.samples.as_slice(), &watched.failures));
        let samples = more.map_or(&[][..], |(samples, _)| samples);
        let times = (job.state, job.started_at, job.finished_at);
        Some(Self {
            id,
            kind: job.kind,
            state: job.state,
            started_at: job.started_at,
            expires_at: job.expires_at,
            finished_at: job.finished_at,
            counts: &job.counts,
            more,
            pace: JobPace::of(times, &job.counts, samples, at),
            at,
            is_live: true,
        })
    }
}

/// `GET /ui/jobs/{id}`.
pub(super) async fn show(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    let id = job_search::job_id(&id)?;
    let detail = api.service.job_detail(&viewer.actor, id).await?;
    let search = job_search::commands(&params)?;
    let after = params.text("after", AFTER_MAX_CHARS)?.map(str::to_owned);
    let from = ListFrom { after, limit: SHOWN };
    let found = api.service.list_commands(&viewer.actor, id, &search, &from).await?;
    let parts = parts(&Now::of(&detail), &viewer, texts);
    let sheet = |id: &'static str| {
        let part = parts.iter().find(|part| part.id == id).map(|part| &part.html);
        html! { @if let Some(part) = part { section.sheet id=(id) { (part) } } }
    };
    let job = &detail.summary;
    let standing = parts.iter().find(|part| part.id == "standing").map(|part| &part.html);
    let body = html! {
        @if let Some(notice) = control::notice(&viewer, &params) { (notice) }
        h1 { (job.name) }
        p.hint { (job_kind(job.kind, viewer.language)) " · " (texts.number) " " (job.id) " · " (job.tenant_name) }
        div #standing { @if let Some(standing) = standing { (standing) } }
        (sheet("figures"))
        (sheet("course"))
        div.grid { (sheet("states")) (sheet("failures")) }
        section.sheet { (facts::facts(&detail, &viewer, texts)) }
        section.sheet #commands { (commands::commands(&found, id, &params, &viewer, texts)) }
    };
    // What has ended for good is shown as it is.
    let is_over = job.state.is_terminal() && job.counts.open() == 0;
    let address = LivePage::Job(id).address();
    let live = (!is_over && params.optional("after").is_none()).then_some(address.as_str());
    let frame = Frame { title: &job.name, here: Some(Room::Jobs), live };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// `GET /ui/jobs/{id}/commands.csv`.
pub(super) async fn csv(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, PageError> {
    let (id, search) = (job_search::job_id(&id)?, job_search::commands(&params)?);
    Ok(commands_csv::answer(&api.service, &viewer.actor, id, search).await?)
}

/// What of the page a reading says: nothing while the job has not been read.
pub(super) fn fragments(id: JobId, snapshot: &Snapshot, viewer: &Viewer) -> Vec<Fragment> {
    let now = Now::of_snapshot(snapshot, viewer, id);
    now.map_or_else(Vec::new, |now| parts(&now, viewer, Texts::of(viewer.language)))
}

fn parts(now: &Now<'_>, viewer: &Viewer, texts: &Texts) -> Vec<Fragment> {
    let part = |id, html: Markup| Fragment { id, html };
    let mut parts = vec![
        part("standing", standing(now, viewer, texts)),
        part("figures", figures::figures(now, viewer, texts)),
        part("states", figures::states(now, viewer, texts)),
    ];
    if let Some((samples, failures)) = now.more {
        parts.push(part("course", figures::course(now, samples, viewer, texts)));
        parts.push(part("failures", failures::failures(now, failures, viewer, texts)));
    }
    parts
}

fn standing(now: &Now<'_>, viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        p { (job_badge(now.state, viewer.language)) }
        (buttons::buttons(now, viewer, texts))
    }
}
