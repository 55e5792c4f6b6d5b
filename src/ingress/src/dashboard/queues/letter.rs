//! One dead letter.

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use drover_service::BodyText;
use maud::html;

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

/// The number in an address; what is none names nothing.
fn number(text: &str) -> Result<i64, PageError> {
    text.parse().map_err(|_| PageError::NotFound(format!("dead letter {text} does not exist")))
}

/// `GET /ui/dead-letters/{id}`.
pub(super) async fn show(State(api): State<WebApi>, viewer: Viewer, Path(id): Path<String>) -> Answer<Html<String>> {
    let id = number(&id)?;
    let letter = api.service.dead_letter(&viewer.actor, id).await?;
    let texts = Texts::of(viewer.language);
    let content = BodyText::of(&letter.body);
    let title = format!("{} {id}", texts.letter);
    let body = html! {
        p { a href={ "/ui/queues/" (letter.queue) } { "← " (letter.queue) } }
        h1 { (title) }
        @if viewer.actor.may_write {
            div.actions {
                a.button.primary href={ "/ui/dead-letters/" (id) "/replay" } { (texts.replay) }
                a.button href={ "/ui/dead-letters/" (id) "/discard" } { (texts.discard) }
            }
        }
        section.sheet {
            dl.facts {
                dt { (texts.reason) } dd { (letter.reason) }
                dt { (texts.received) } dd { (words::time(letter.received_at, &viewer)) }
                dt { (texts.tries) } dd { (letter.broker_attempt) }
                @if let Some(job) = letter.job { dt { (texts.job) } dd { a href={ "/ui/jobs/" (job) } { (job) } } }
                @if let Some(key) = &letter.routing_key { dt { (texts.key) } dd { (key) } }
                @if let Some(message) = letter.message_id { dt { (texts.message) } dd { (message) } }
                @if !letter.trace_context.is_empty() { dt { (texts.trace) } dd { (letter.trace_context) } }
            }
        }
        section.sheet {
            h2 { (texts.body) " · " (content.format()) " · " (words::number(letter.body_bytes.into())) " " (texts.bytes) }
            pre tabindex="0" { (content.text()) }
        }
    };
    let frame = Frame { title: &title, here: Some(Room::Queues), live: None };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

pub(super) async fn ask_to_replay(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, number(&id)?, (texts.replay, texts.replay_consequence, "replay")).await
}

pub(super) async fn ask_to_discard(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<Html<String>> {
    let texts = Texts::of(viewer.language);
    ask(&api, &viewer, number(&id)?, (texts.discard, texts.discard_consequence, "discard")).await
}

async fn ask(
    api: &WebApi,
    viewer: &Viewer,
    id: i64,
    (verb, consequence, act): (&'static str, &'static str, &'static str),
) -> Answer<Html<String>> {
    viewer.actor.require_write()?;
    let letter = api.service.dead_letter(&viewer.actor, id).await?;
    let texts = Texts::of(viewer.language);
    let (action, back) = (format!("/ui/dead-letters/{id}/{act}"), format!("/ui/dead-letters/{id}"));
    let title = format!("{verb}: {} {id}", texts.letter);
    let consequence = format!("1 {} ({}). {consequence}", texts.messages, letter.reason);
    let question = Question {
        title: &title,
        consequence: &consequence,
        devices: None,
        action: &action,
        fields: &[],
        button: verb,
        is_final: act == "discard",
        back: &back,
        room: Room::Queues,
    };
    Ok(as_html(&confirm::page(viewer, &question)))
}

pub(super) async fn replay(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    let id = number(&id)?;
    let letter = api.service.dead_letter(&viewer.actor, id).await?;
    let dealt = api.service.replay_dead_letter(&viewer.actor, id).await?;
    Ok(Redirect::to(&format!("/ui/queues/{}?replayed={}", letter.queue, dealt.letters)))
}

pub(super) async fn discard(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(id): Path<String>,
    params: Params,
) -> Answer<Redirect> {
    viewer.require_form(&params)?;
    let id = number(&id)?;
    let letter = api.service.dead_letter(&viewer.actor, id).await?;
    let dealt = api.service.discard_dead_letter(&viewer.actor, id).await?;
    Ok(Redirect::to(&format!("/ui/queues/{}?discarded={}", letter.queue, dealt.letters)))
}
