//! All jobs, newest first.

mod texts;

use axum::{extract::State, response::Html};
use drover_domain::{CommandState, JobKind, JobState};
use drover_service::{JobSummary, List, ListFrom};
use maud::{Markup, html};

use super::{
    Answer,
    chart::{self, Ink},
    layout::{Frame, Room, as_html, page},
    query,
    session::Viewer,
    words::{self, job_badge, job_kind, job_state, number, percent},
};
use crate::web::{WebApi, job_search, params::Params};
use texts::Texts;

const PATH: &str = "/ui/jobs";
/// Jobs of one page.
const SHOWN: u32 = 50;
/// The longest text that says where a page begins.
const AFTER_MAX_CHARS: usize = 64;
/// What the list is asked for.
const SEARCH: [&str; 4] = ["text", "kind", "state", "tenant"];

/// `GET /ui/jobs`.
pub(super) async fn show(State(api): State<WebApi>, viewer: Viewer, params: Params) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    let search = job_search::jobs(&api.service, &viewer.actor, &params).await?;
    let after = params.text("after", AFTER_MAX_CHARS)?.map(str::to_owned);
    let jobs = api.service.list_jobs(&viewer.actor, &search, &ListFrom { after, limit: SHOWN }).await?;
    let body = html! {
        h1 { (texts.title) }
        (filters(&params, &viewer, texts))
        section.sheet { (list(&jobs, &params, &viewer, texts)) (pages(&jobs, &params, texts)) }
    };
    let frame = Frame { title: texts.title, here: Some(Room::Jobs), live: None };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

fn filters(params: &Params, viewer: &Viewer, texts: &Texts) -> Markup {
    let language = viewer.language;
    let given = |name| params.optional(name).unwrap_or_default();
    let kinds = JobKind::ALL.map(|kind| (kind.as_str(), job_kind(kind, language)));
    let states = JobState::ALL.map(|state| (state.as_str(), job_state(state, language)));
    html! {
        form.filters method="get" action=(PATH) role="search" {
            div {
                label for="text" { (texts.text) }
                input #text name="text" type="search" maxlength="128" value=(given("text")) placeholder=(texts.text_hint);
            }
            (choice("kind", texts.kind, given("kind"), &kinds, texts.any))
            (choice("state", texts.state, given("state"), &states, texts.any))
            @if viewer.actor.runs_installation() {
                div { label for="tenant" { (texts.tenant) } input #tenant name="tenant" maxlength="128" value=(given("tenant")); }
            }
            button type="submit" { (texts.search) }
            @if SEARCH.iter().any(|name| params.optional(name).is_some()) { a.button href=(PATH) { (texts.all) } }
        }
    }
}

/// A choice of words, or any.
pub(super) fn choice(name: &str, label: &str, chosen: &str, words: &[(&str, &str)], any: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { (any) }
                @for (value, word) in words { option value=(value) selected[*value == chosen] { (word) } }
            }
        }
    }
}

fn list(jobs: &List<JobSummary>, params: &Params, viewer: &Viewer, texts: &Texts) -> Markup {
    let language = viewer.language;
    let is_search = SEARCH.iter().any(|name| params.optional(name).is_some()) || params.optional("after").is_some();
    if jobs.items.is_empty() {
        let said = match (&jobs.next, is_search) {
            (Some(_), _) => texts.none_so_far,
            (None, true) => texts.none_found,
            (None, false) => texts.none,
        };
        return html! { p.empty { (said) } };
    }
    html! {
        div.scroll { table.cards {
            caption.visually-hidden { (texts.title) }
            thead { tr {
                th scope="col" { (texts.job) }
                @if viewer.actor.runs_installation() { th scope="col" { (texts.tenant) } }
                th scope="col" { (texts.kind) } th scope="col" { (texts.state) } th scope="col" { (texts.brings) }
                th scope="col" { (texts.progress) } th.number scope="col" { (texts.failed) } th scope="col" { (texts.created) }
            } }
            tbody { @for job in &jobs.items { tr {
                td data-label=(texts.job) { a href={ (PATH) "/" (job.id) } { (job.name) } " " span.hint { (job.id) } }
                @if viewer.actor.runs_installation() { td data-label=(texts.tenant) { (job.tenant_name) } }
                td data-label=(texts.kind) { (job_kind(job.kind, language)) }
                td data-label=(texts.state) { (job_badge(job.state, language)) }
                td data-label=(texts.brings) { (job.brings) }
                td data-label=(texts.progress) { (progress(job)) }
                td.number data-label=(texts.failed) { (number(job.counts.failed())) }
                td data-label=(texts.created) { (words::time(job.created_at, viewer)) " " span.hint { (job.created_by) } }
            } } }
        } }
    }
}

fn progress(job: &JobSummary) -> Markup {
    let counts = &job.counts;
    if counts.total() == 0 {
        return html! { span.hint { "–" } };
    }
    let said =
        format!("{} / {} {}", number(counts.ended()), number(counts.total()), percent(counts.ended(), counts.total()));
    let stopped = counts.failed() - counts.of(CommandState::Failed) - counts.of(CommandState::TimedOut);
    let parts = [
        (Ink::Good, counts.succeeded()),
        (Ink::Bad, counts.failed() - stopped),
        (Ink::Stopped, stopped),
        (Ink::Busy, counts.under_way()),
        (Ink::Quiet, counts.waiting()),
    ];
    html! { (chart::bar(&parts, &said)) (said) }
}

fn pages(jobs: &List<JobSummary>, params: &Params, texts: &Texts) -> Markup {
    html! {
        nav.pages aria-label=(texts.pages) {
            @if params.optional("after").is_some() {
                a.button href=(query::same(PATH, params, &SEARCH, &[])) { (texts.newest) }
            }
            @if let Some(next) = &jobs.next {
                a.button rel="next" href=(query::same(PATH, params, &SEARCH, &[("after", next)])) {
                    (if jobs.items.is_empty() { texts.go_on } else { texts.older })
                }
            }
        }
    }
}
