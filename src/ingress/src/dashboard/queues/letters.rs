//! The dead letters of a queue, and what is done with all that match.

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use drover_service::{DeadLetter, DeadLetterFilter, List, ListFrom};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::texts::Texts;
use crate::{
    dashboard::{
        Answer,
        confirm::{self, Question},
        errors::PageError,
        layout::{Frame, Room, as_html, page},
        session::Viewer,
        words,
    },
    web::{WebApi, params::Params},
};

/// Letters on a page.
const LIMIT: u32 = 50;
/// The longest reason that is looked for.
const REASON_MAX_CHARS: usize = 200;
/// The longest text that says where a page begins.
const AFTER_MAX_CHARS: usize = 32;

/// `GET /ui/queues/{name}`.
pub(super) async fn show(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Html<String>> {
    let reason = params.text("reason", REASON_MAX_CHARS)?.unwrap_or_default();
    let after = params.text("after", AFTER_MAX_CHARS)?.map(str::to_owned);
    let queue = api.service.queue(&viewer.actor, &name).await?;
    let from = ListFrom { after, limit: LIMIT };
    let list = api.service.dead_letters(&viewer.actor, Some(&name), reason, &from).await?;
    let texts = Texts::of(viewer.language);
    let query = query(reason);
    let body = html! {
        h1 { (name) }
        @for (field, said) in [("replayed", texts.were_replayed), ("discarded", texts.were_discarded)] {
            @if let Some(count) = params.number::<i64>(field)? { p.notice role="status" { (words::number(count)) " " (said) } }
        }
        @if let Some(at) = queue.paused_at {
            p.alarm.warning { "‖ " (texts.paused_by) " " (queue.paused_by) " · " (words::time(at, &viewer)) }
        }
        section.sheet {
            h2 { (texts.letters) " · " (words::number(queue.dead_letters)) }
            form.filters method="get" action={ "/ui/queues/" (name) } {
                div { label for="reason" { (texts.reason_has) } input #reason name="reason" value=(reason) maxlength=(REASON_MAX_CHARS); }
                button type="submit" { (texts.filter) }
            }
            @if viewer.actor.may_write && !list.items.is_empty() {
                div.actions {
                    a.button href={ "/ui/queues/" (name) "/replay" (query) } { (texts.replay_all) }
                    a.button href={ "/ui/queues/" (name) "/discard" (query) } { (texts.discard_all) }
                }
            }
            (rows(&list, &viewer, texts))
            @if let Some(next) = &list.next {
                p.pages { a.button href={ "/ui/queues/" (name) (if query.is_empty() { "?" } else { query.as_str() }) "&after=" (next) } { (texts.older) } }
            }
        }
    };
    let frame = Frame { title: &name, here: Some(Room::Queues), live: None };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

fn rows(list: &List<DeadLetter>, viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        @if list.items.is_empty() { p.empty { (if list.next.is_some() { texts.none_here } else { texts.no_letters }) } } @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.letter) } th scope="col" { (texts.received) } th scope="col" { (texts.reason) }
                    th scope="col" { (texts.job) } th.number scope="col" { (texts.bytes) }
                } }
                tbody { @for letter in &list.items { tr {
                    td data-label=(texts.letter) { a href={ "/ui/dead-letters/" (letter.id) } { (letter.id) } }
                    td data-label=(texts.received) { (words::time(letter.received_at, viewer)) }
                    td data-label=(texts.reason) { (letter.reason) }
                    td data-label=(texts.job) { @if let Some(job) = letter.job { a href={ "/ui/jobs/" (job) } { (job) } } @else { "–" } }
                    td.number data-label=(texts.bytes) { (words::number(letter.body_bytes.into())) }
                } } }
            } }
        }
    }
}

/// The part of an address that keeps the filter.
fn query(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!("?reason={}", utf8_percent_encode(reason, NON_ALPHANUMERIC)) }
}

pub(super) async fn ask_to_replay(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, &name, &params, (texts.replay_all, texts.replay_consequence, "replay")).await
}

pub(super) async fn ask_to_discard(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, &name, &params, (texts.discard_all, texts.discard_consequence, "discard")).await
}

async fn ask(
    api: &WebApi,
    viewer: &Viewer,
    name: &str,
    params: &Params,
    (verb, consequence, act): (&'static str, &'static str, &'static str),
) -> Answer<Html<String>> {
    viewer.actor.require_write()?;
    let filter = filter(params)?;
    let matching = api.service.matching_dead_letters(&viewer.actor, name, &filter).await?;
    let texts = Texts::of(viewer.language);
    let up_to = matching.up_to.unwrap_or_default().to_string();
    let which =
        if filter.reason.is_empty() { String::new() } else { format!(" ({}: {})", texts.reason_has, filter.reason) };
    let title = format!("{verb}: {name}");
    let consequence = format!("{} {}{which}. {consequence}", words::number(matching.count), texts.messages);
    let (action, back) = (format!("/ui/queues/{name}/{act}"), format!("/ui/queues/{name}{}", query(&filter.reason)));
    let question = Question {
        title: &title,
        consequence: &consequence,
        devices: None,
        action: &action,
        fields: &[("reason", &filter.reason), ("up_to", &up_to)],
        button: verb,
        is_final: act == "discard",
        back: &back,
        room: Room::Queues,
    };
    Ok(as_html(&confirm::page(viewer, &question)))
}

/// Which letters: those that were there when somebody was asked.
fn filter(params: &Params) -> Result<DeadLetterFilter, PageError> {
    let reason = params.text("reason", REASON_MAX_CHARS)?.unwrap_or_default().to_owned();
    Ok(DeadLetterFilter { reason, up_to: params.number("up_to")? })
}

pub(super) async fn replay(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    let dealt = api.service.replay_dead_letters(&viewer.actor, &name, &filter(&params)?).await?;
    Ok(Redirect::to(&format!("/ui/queues/{name}?replayed={}", dealt.letters)))
}

pub(super) async fn discard(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(name): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    let dealt = api.service.discard_dead_letters(&viewer.actor, &name, &filter(&params)?).await?;
    Ok(Redirect::to(&format!("/ui/queues/{name}?discarded={}", dealt.letters)))
}
