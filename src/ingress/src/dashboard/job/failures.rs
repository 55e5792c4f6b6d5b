//! Why attempts did not succeed, grouped by reason.

use drover_domain::{CommandState, JobEvent, Outcome};
use drover_service::{FailureReason, Failures, failures::OTHERS};
use maud::{Markup, html};

use super::{Now, buttons, texts::Texts};
use crate::dashboard::{
    query,
    session::Viewer,
    words::{command_badge, number, percent},
};

/// Attempts that are told apart.
const ATTEMPTS: usize = 4;

pub(super) fn failures(now: &Now<'_>, failures: &Failures, viewer: &Viewer, texts: &Texts) -> Markup {
    let may_retry = viewer.actor.may_write && now.state.after(JobEvent::Reopen).is_some();
    html! {
        h2 { (texts.failures) }
        @if failures.reasons.is_empty() { p.empty { (texts.no_failures) } } @else {
            p.hint { (texts.failures_hint) }
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.reason) } th.number scope="col" { (texts.attempts) }
                    th.number scope="col" { (texts.share) } th scope="col" { (texts.by_attempt) }
                    @if may_retry { th scope="col" { span.visually-hidden { (texts.retry) } } }
                } }
                tbody {
                    @for reason in &failures.reasons { tr {
                        td data-label=(texts.reason) { (named(now, reason, viewer, texts)) }
                        td.number data-label=(texts.attempts) { (number(reason.count)) }
                        td.number data-label=(texts.share) { (percent(reason.count, failures.total)) }
                        td data-label=(texts.by_attempt) { (by_attempt(reason)) }
                        @if may_retry { td data-label="" { @if let Some(address) = retry(now, reason) {
                            a.button href=(address) aria-label={ (texts.retry) ": " (reason.code) } { "↻ " (texts.retry) }
                        } } }
                    } }
                    @if failures.rest() > 0 { tr {
                        td data-label=(texts.reason) { (texts.rest) }
                        td.number data-label=(texts.attempts) { (number(failures.rest())) }
                        td.number data-label=(texts.share) { (percent(failures.rest(), failures.total)) }
                        td data-label="" {}
                        @if may_retry { td data-label="" {} }
                    } }
                }
            } }
        }
    }
}

/// The state in which an outcome leaves its command for good.
fn state(outcome: Outcome) -> Option<CommandState> {
    CommandState::parse(outcome.as_str())
}

/// What to call it, and where its commands are.
fn named(now: &Now<'_>, reason: &FailureReason, viewer: &Viewer, texts: &Texts) -> Markup {
    let path = format!("/ui/jobs/{}", now.id);
    let without = if reason.code.is_empty() { "true" } else { "" };
    let pairs = [("outcome", reason.outcome.as_str()), ("code", reason.code.as_str()), ("withoutCode", without)];
    html! {
        @if let Some(state) = state(reason.outcome) { (command_badge(state, viewer.language)) " " }
        @if reason.code == OTHERS { (texts.other_codes) } @else {
            a href={ (query::address(&path, &pairs)) "#commands" } {
                @if reason.code.is_empty() { (texts.without_code) } @else { code { (reason.code) } }
            }
        }
    }
}

fn by_attempt(reason: &FailureReason) -> Markup {
    let (first, rest) = reason.by_attempt.split_at(reason.by_attempt.len().min(ATTEMPTS));
    let more: i64 = rest.iter().map(|(_, count)| count).sum();
    html! {
        @for (at, (attempt, count)) in first.iter().enumerate() {
            @if at > 0 { ", " }
            span.hint { (attempt) ": " } (number(*count))
        }
        @if more > 0 { ", " span.hint { "…: " } (number(more)) }
    }
}

/// Where to ask for another try of what ended so; `None`: there is none.
fn retry(now: &Now<'_>, reason: &FailureReason) -> Option<String> {
    let state = state(reason.outcome).filter(|state| buttons::RETRIABLE.contains(state))?;
    let is_named = !reason.code.is_empty() && reason.code != OTHERS;
    is_named.then(|| buttons::retry(now, Some((state.as_str(), &reason.code))))
}
