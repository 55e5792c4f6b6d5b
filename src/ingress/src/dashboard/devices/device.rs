//! One device: why it is not updated, what it is, its commands with every attempt and report, and what it has.

use axum::{
    extract::{Path, State},
    response::Html,
};
use drover_domain::why::Token;
use drover_service::{CommandStory, DeviceStory, ListFrom, SeenReport};
use maud::{Markup, PreEscaped, html};

use super::{
    list::contact,
    reasons::{explain, job_of},
    texts::Texts,
};
use crate::{
    dashboard::{
        Answer,
        layout::{Frame, Room, as_html, page},
        session::Viewer,
        words::{self, command_badge, job_kind},
    },
    web::{WebApi, params::Params},
};

/// Commands a page.
const PAGE: u32 = 20;

/// `GET /ui/devices/{uuid}`.
pub(in crate::dashboard) async fn show(
    State(api): State<WebApi>,
    viewer: Viewer,
    Path(uuid): Path<String>,
    params: Params,
) -> Answer<Html<String>> {
    let from = ListFrom { after: params.optional("after").map(str::to_owned), limit: PAGE };
    let story = api.service.device_story(&viewer.actor, &uuid, &from).await?;
    let texts = Texts::of(viewer.language);
    let body = html! {
        h1 { (texts.uuid) " " span.mono { (story.device.uuid) } }
        (answer(&story, &viewer, texts))
        (about(&story, &viewer, texts))
        (commands(&story, &viewer, texts))
        (inventory(&story, &viewer, texts))
    };
    let frame = Frame { title: &story.device.uuid, here: Some(Room::Devices), live: None };
    Ok(as_html(&page(&viewer, &frame, &body)))
}

/// Why it is not updated.
fn answer(story: &DeviceStory, viewer: &Viewer, texts: &Texts) -> Markup {
    let time = |at| {
        let PreEscaped(text) = words::time(at, viewer);
        plain(&text)
    };
    let explained = explain(&story.reason, viewer.language, &time);
    html! {
        section.sheet #why {
            h2 { (texts.why) }
            p { strong { (explained.sentence) } }
            @if !explained.advice.is_empty() { p { (explained.advice) } }
            p.hint {
                (texts.rule) ": " code { (story.reason.code()) }
                @if let Some(job) = job_of(&story.reason).filter(|_| story.is_job_within) { " · " a href={ "/ui/jobs/" (job) } { (texts.to_job) " " (job) } }
            }
        }
    }
}

/// The text of an element that holds nothing but text.
fn plain(element: &str) -> String {
    element.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</")).map_or(element, |(text, _)| text).to_owned()
}

fn about(story: &DeviceStory, viewer: &Viewer, texts: &Texts) -> Markup {
    let device = &story.device;
    let fact = |name: &str, value: Option<&str>| {
        html! { @if let Some(value) = value.filter(|value| !value.is_empty()) { dt { (name) } dd { (value) } } }
    };
    html! {
        section.sheet {
            h2 { (texts.about) }
            dl.facts {
                (fact(texts.name, Some(&device.name)))
                (fact(texts.sn, Some(&device.sn)))
                (fact(texts.imei, Some(&device.imei)))
                @if viewer.actor.runs_installation() { (fact(texts.tenant, Some(&device.tenant_name))) }
                (fact(texts.organisation, device.organisation.as_deref()))
                (fact(texts.user, device.user.as_deref()))
                (fact(texts.product, device.product.as_deref()))
                (fact(texts.firmware, Some(&device.firmware_version)))
                (fact(texts.os_version, device.os_version.as_deref()))
                (fact(texts.channel, Some(device.standing.channel.as_str())))
                dt { (texts.token) }
                dd { @match device.standing.token {
                    Token::Good => (texts.token_good),
                    Token::Absent => (texts.token_absent),
                    Token::Revoked(at) => { (texts.token_revoked) " " (words::time(at, viewer)) }
                } }
                dt { (texts.last_contact) } dd { (contact(device.standing.heard_at, viewer, texts)) }
                @if let Some(at) = device.offline_at { dt { (texts.left) } dd { (words::time(at, viewer)) } }
                dt { (texts.enrolled) } dd { (words::time(device.created_at, viewer)) }
            }
        }
    }
}

fn commands(story: &DeviceStory, viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        section.sheet #commands {
            h2 { (texts.commands) }
            @if story.commands.items.is_empty() { p.empty { (texts.no_commands) } }
            @for one in &story.commands.items { (command(one, viewer, texts)) }
            @if let Some(next) = &story.commands.next {
                p.pages { a.button rel="next" href={ "/ui/devices/" (story.device.uuid) "?after=" (next) "#commands" } { (texts.further) } }
            }
        }
    }
}

/// A command with everything that happened to it, in order.
fn command(story: &CommandStory, viewer: &Viewer, texts: &Texts) -> Markup {
    let (command, language) = (&story.command, viewer.language);
    let said = |code: Option<&str>, message: Option<&str>| {
        html! {
            @if let Some(code) = code { " " code { (code) } }
            @if let Some(message) = message { " " q { (message) } }
        }
    };
    html! {
        article.command {
            h3 {
                @match &command.job_name {
                    Some(name) => a href={ "/ui/jobs/" (command.id.job) } { (name) },
                    None => { (texts.job_elsewhere) " " (command.id.job) }
                }
                " · " (job_kind(command.kind, language)) " · "
                (command_badge(command.state, language))
            }
            ol.course {
                li { (words::time(command.created_at, viewer)) " " (texts.planned) }
                @for moment in course(story) { @match moment {
                    Moment::Ended(outcome) => li {
                        (words::time(outcome.recorded_at, viewer)) " " (texts.attempt) " " (outcome.attempt) ": "
                        (words::command_state(outcome_state(outcome.outcome), language))
                        (said(outcome.code.as_deref(), outcome.message.as_deref()))
                    },
                    Moment::Said(report) => li.hint {
                        (words::time(report.received_at, viewer)) " " (texts.attempt) " " (report.attempt) ": " (texts.unapplied)
                        " (" (unapplied_reason(report, texts)) "): " (report.status)
                        (said(report.code.as_deref(), report.message.as_deref()))
                    },
                } }
                @if !command.state.is_terminal() {
                    li {
                        (texts.attempt) " " (command.attempt) ": " (texts.under_way)
                        @if let Some(at) = command.sent_at { " · " (texts.sent_at) " " (words::time(at, viewer)) }
                        @if let Some(at) = command.deadline_at { " · " (texts.deadline) " " (words::time(at, viewer)) }
                        " · " (texts.tries_left) ": " (command.retries_left)
                    }
                }
            }
            @if !command.version_before.is_empty() || !command.version_after.is_empty() {
                p.hint { (texts.version) ": " (command.version_before) " → " (command.version_after) }
            }
        }
    }
}

/// Something that happened to a command.
enum Moment<'a> {
    Ended(&'a drover_service::SeenOutcome),
    Said(&'a SeenReport),
}

/// What happened to a command, in order.
fn course(story: &CommandStory) -> Vec<Moment<'_>> {
    let ended = story.outcomes.iter().map(|outcome| (outcome.recorded_at, Moment::Ended(outcome)));
    let said = story.unapplied.iter().map(|report| (report.received_at, Moment::Said(report)));
    let mut course: Vec<_> = ended.chain(said).collect();
    course.sort_by_key(|(at, _)| *at);
    course.into_iter().map(|(_, moment)| moment).collect()
}

/// The state that an outcome is named after.
fn outcome_state(outcome: drover_domain::Outcome) -> drover_domain::CommandState {
    drover_domain::CommandState::parse(outcome.as_str()).unwrap_or(drover_domain::CommandState::Failed)
}

fn unapplied_reason<'a>(report: &'a SeenReport, texts: &Texts) -> &'a str {
    match report.reason.as_str() {
        "duplicate" => texts.duplicate,
        "late" => texts.late,
        "premature" => texts.premature,
        other => other,
    }
}

fn inventory(story: &DeviceStory, viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        section.sheet {
            h2 { (texts.inventory) }
            @if let Some(at) = story.device.inventory_at { p.hint { (texts.inventory_of) " " (words::time(at, viewer)) } }
            @if story.apps.is_empty() { p.empty { (texts.no_inventory) } } @else {
                div.scroll { table.cards {
                    thead { tr { th scope="col" { (texts.package) } th scope="col" { (texts.name) } th scope="col" { (texts.version) } } }
                    tbody { @for app in &story.apps { tr {
                        td data-label=(texts.package) { span.mono { (app.package) } }
                        td data-label=(texts.name) { (app.name) }
                        td data-label=(texts.version) {
                            (app.version_name) @if app.version_code > 0 { " (" (app.version_code) ")" }
                        }
                    } } }
                } }
            }
            @if !story.lists.is_empty() {
                h3 { (texts.lists) }
                div.scroll { table.cards {
                    thead { tr { th scope="col" { (texts.name) } th.number scope="col" { (texts.revision) } th.number scope="col" { (texts.newest_revision) } } }
                    tbody { @for list in &story.lists { tr {
                        td data-label=(texts.name) { (list.name) }
                        td.number data-label=(texts.revision) { (list.revision) }
                        td.number data-label=(texts.newest_revision) { (list.newest) }
                    } } }
                } }
            }
        }
    }
}
