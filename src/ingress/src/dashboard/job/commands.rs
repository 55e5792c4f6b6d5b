//! A job's commands, to be filtered and searched.

use drover_domain::{CommandState, JobId, Outcome};
use drover_service::{CommandRow, List};
use maud::{Markup, html};

use super::{buttons::FAILED, texts::Texts};
use crate::{
    dashboard::{
        jobs::choice,
        query,
        session::Viewer,
        words::{self, command_badge, command_state},
    },
    web::params::Params,
};

/// What the list is asked for.
const SEARCH: [&str; 5] = ["text", "state", "outcome", "code", "withoutCode"];

pub(super) fn commands(list: &List<CommandRow>, id: JobId, params: &Params, viewer: &Viewer, texts: &Texts) -> Markup {
    let path = format!("/ui/jobs/{id}");
    let is_search = SEARCH.iter().any(|name| params.optional(name).is_some());
    let csv = query::same(&format!("{path}/commands.csv"), params, &SEARCH, &[]);
    html! {
        h2 { (texts.commands) }
        (filters(&path, params, is_search, viewer, texts))
        p { a.button href=(csv) download { "⇩ " (texts.csv) } }
        @if list.items.is_empty() {
            p.empty { (match (&list.next, is_search) {
                (Some(_), _) => texts.none_so_far,
                (None, true) => texts.none_found,
                (None, false) => texts.no_commands,
            }) }
        } @else {
            (table(&list.items, viewer, texts))
        }
        nav.pages aria-label=(texts.pages) {
            @if params.optional("after").is_some() {
                a.button href={ (query::same(&path, params, &SEARCH, &[])) "#commands" } { (texts.first_page) }
            }
            @if let Some(next) = &list.next {
                a.button rel="next" href={ (query::same(&path, params, &SEARCH, &[("after", next)])) "#commands" } {
                    (if list.items.is_empty() { texts.go_on } else { texts.next_page })
                }
            }
        }
    }
}

fn filters(path: &str, params: &Params, is_search: bool, viewer: &Viewer, texts: &Texts) -> Markup {
    let language = viewer.language;
    let given = |name| params.optional(name).unwrap_or_default();
    let failed = FAILED.map(CommandState::as_str).join(",");
    let mut states = vec![(failed.as_str(), texts.failed_or_late)];
    states.extend(CommandState::ALL.map(|state| (state.as_str(), command_state(state, language))));
    html! {
        form.filters method="get" action={ (path) "#commands" } role="search" {
            div {
                label for="text" { (texts.device) }
                input #text name="text" type="search" maxlength="128" value=(given("text")) placeholder=(texts.device_hint);
            }
            (choice("state", texts.state, given("state"), &states, texts.any))
            div { label for="code" { (texts.code) } input #code name="code" maxlength="64" value=(given("code")); }
            @for name in ["outcome", "withoutCode"] {
                @if let Some(value) = params.optional(name) { input type="hidden" name=(name) value=(value); }
            }
            button type="submit" { (texts.search) }
            @if is_search { a.button href={ (path) "#commands" } { (texts.all) } }
        }
        @if let Some(outcome) = params.optional("outcome").and_then(Outcome::parse) {
            p { (texts.ended_so) " " @if let Some(state) = CommandState::parse(outcome.as_str()) { (command_badge(state, language)) } }
        }
    }
}

fn table(commands: &[CommandRow], viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        div.scroll { table.cards {
            caption.visually-hidden { (texts.commands) }
            thead { tr {
                th scope="col" { (texts.device) } th scope="col" { (texts.state) } th.number scope="col" { (texts.attempt) }
                th scope="col" { (texts.last_failure) } th scope="col" { (texts.version) } th scope="col" { (texts.changed) }
            } }
            tbody { @for command in commands { tr {
                td data-label=(texts.device) {
                    a.mono href={ "/ui/devices/" (command.uuid) } { (command.uuid) }
                    @if !command.device_name.is_empty() { " " span.hint { (command.device_name) } }
                }
                td data-label=(texts.state) { (command_badge(command.state, viewer.language)) }
                td.number data-label=(texts.attempt) { (command.attempt) }
                td data-label=(texts.last_failure) { (reason(command, viewer)) }
                td data-label=(texts.version) { (version(command)) }
                td data-label=(texts.changed) { (words::time(command.updated_at, viewer)) }
            } } }
        } }
    }
}

/// How the last ended attempt ended, unless it succeeded.
fn reason(command: &CommandRow, viewer: &Viewer) -> Markup {
    let Some(outcome) = command.outcome.filter(|outcome| *outcome != Outcome::Succeeded) else { return html! {} };
    let state = CommandState::parse(outcome.as_str()).filter(|state| *state != command.state);
    html! {
        span {
            @if let Some(state) = state { (command_state(state, viewer.language)) " " }
            @if let Some(code) = command.code.as_deref().filter(|code| !code.is_empty()) { code { (code) } " " }
            @if let Some(message) = &command.message { (message) }
        }
    }
}

fn version(command: &CommandRow) -> Markup {
    html! {
        @match (command.version_before.as_str(), command.version_after.as_str()) {
            ("", "") => {}
            (before, "") => (before),
            ("", after) => { "→ " (after) }
            (before, after) => { (before) " → " (after) }
        }
    }
}
