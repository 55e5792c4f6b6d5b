//! What may be done to a job as it stands: links to the pages that ask first.

use drover_domain::{CommandState, JobEvent};
use maud::{Markup, html};

use super::{Now, texts::Texts};
use crate::dashboard::{query, session::Viewer};

/// Commands in these states can be tried again.
pub(super) const RETRIABLE: [CommandState; 3] = [CommandState::Failed, CommandState::TimedOut, CommandState::Cancelled];
/// These are tried again unless somebody says otherwise: what was stopped was not meant to go on.
pub(super) const FAILED: [CommandState; 2] = [CommandState::Failed, CommandState::TimedOut];

pub(super) fn buttons(now: &Now<'_>, viewer: &Viewer, texts: &Texts) -> Markup {
    // A publication gives no device a command: it can be ended and nothing else.
    let is_meant = |event| now.kind.has_commands() || event == JobEvent::Cancel;
    let may = |event| viewer.actor.may_write && is_meant(event) && now.state.after(event).is_some();
    let to = |what: &str| format!("/ui/jobs/{}/{what}", now.id);
    let has_failed = FAILED.iter().any(|state| now.counts.of(*state) > 0);
    html! {
        @if viewer.actor.may_write {
            div.actions {
                @if may(JobEvent::Pause) { a.button href=(to("pause")) { "‖ " (texts.pause) } }
                @if may(JobEvent::Resume) { a.button.primary href=(to("resume")) { "▶ " (texts.resume) } }
                @if has_failed && may(JobEvent::Reopen) { a.button href=(retry(now, None)) { "↻ " (texts.retry) } }
                @if may(JobEvent::Cancel) { a.button.danger href=(to("cancel")) { "⊗ " (texts.cancel) } }
            }
        }
    }
}

/// The page that asks whether to try again what failed: all of it, or what ended in one way with one code.
pub(super) fn retry(now: &Now<'_>, reason: Option<(&str, &str)>) -> String {
    let all = FAILED.map(CommandState::as_str).join(",");
    let (states, code) = reason.unwrap_or((&all, ""));
    query::address(&format!("/ui/jobs/{}/retry", now.id), &[("state", states), ("code", code)])
}
