//! Who did what, from where, newest first.

mod texts;

use axum::{extract::State, response::Html};
use drover_service::{AuditEntry, ListFrom};
use maud::{Markup, html};

use super::{
    Answer,
    layout::{Frame, Room, as_html, page},
    session::Viewer,
    words,
};
use crate::web::{WebApi, params::Params};
use texts::Texts;

/// Entries on a page.
const SHOWN: u32 = 50;
/// The longest text that says where a page begins.
const AFTER_MAX_CHARS: usize = 32;

/// `GET /ui/audit`.
pub(super) async fn show(State(api): State<WebApi>, viewer: Viewer, params: Params) -> Answer<Html<String>> {
    let after = params.text("after", AFTER_MAX_CHARS)?.map(str::to_owned);
    let is_first = after.is_none();
    let found = api.service.audit(&viewer.actor, &ListFrom { after, limit: SHOWN }).await?;
    let texts = Texts::of(viewer.language);
    let body = html! {
        h1 { (texts.title) }
        section.sheet {
            @if found.items.is_empty() {
                p.empty { (match (&found.next, is_first) {
                    (Some(_), _) => texts.none_so_far,
                    (None, true) => texts.nothing,
                    (None, false) => texts.no_more,
                }) }
            } @else {
                (table(&found.items, &viewer, texts))
            }
            nav.pages aria-label=(texts.pages) {
                @if !is_first { a.button href="/ui/audit" { (texts.newest) } }
                @if let Some(next) = &found.next { a.button href={ "/ui/audit?after=" (next) } rel="next" { (texts.older) } }
            }
        }
    };
    Ok(as_html(&page(&viewer, &Frame { title: texts.title, here: Some(Room::Audit), live: None }, &body)))
}

fn table(entries: &[AuditEntry], viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        div.scroll { table.cards {
            thead { tr {
                th scope="col" { (texts.when) } th scope="col" { (texts.who) } th scope="col" { (texts.from) }
                th scope="col" { (texts.what) } th scope="col" { (texts.subject) }
                th.number scope="col" { (texts.devices) } th scope="col" { (texts.detail) }
            } }
            tbody { @for entry in entries {
                tr {
                    td data-label=(texts.when) { (words::time(entry.noted_at, viewer)) }
                    td data-label=(texts.who) { (entry.actor) }
                    td data-label=(texts.from) { (texts.via(&entry.via)) @if !entry.address.is_empty() { " " span.mono { (entry.address) } } }
                    td data-label=(texts.what) { (texts.action(&entry.action)) }
                    td data-label=(texts.subject) { (subject(entry, texts)) }
                    td.number data-label=(texts.devices) { @if let Some(devices) = entry.devices { (words::number(devices)) } }
                    td data-label=(texts.detail) { (entry.detail) }
                }
            } }
        } }
    }
}

/// What something was done to; a job with the way to its page.
fn subject(entry: &AuditEntry, texts: &Texts) -> Markup {
    let kind = texts.subject_kind(&entry.subject_kind);
    html! {
        @if entry.subject_kind == "job" && entry.subject.bytes().all(|byte| byte.is_ascii_digit()) {
            a href={ "/ui/jobs/" (entry.subject) } { (kind) " " (entry.subject) }
        } @else {
            (kind) " " (entry.subject)
        }
    }
}
