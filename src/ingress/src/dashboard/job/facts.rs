//! What a job is: what it brings, for whom, by whom, and how it treats its commands.

use drover_service::{Asked, Audience, JobDetail, RetryWish};
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{
    session::Viewer,
    words::{self, command_state, number},
};

pub(super) fn facts(detail: &JobDetail, viewer: &Viewer, texts: &Texts) -> Markup {
    let (job, more) = (&detail.summary, &detail.more);
    let language = viewer.language;
    let policy = more.policy;
    let fact = |name: &str, value: Markup| html! { dt { (name) } dd { (value) } };
    let maybe =
        |name: &str, value: Option<&String>| html! { @if let Some(value) = value { (fact(name, html! { (value) })) } };
    html! {
        h2 { (texts.facts) }
        dl.facts {
            (fact(texts.brings, html! { (job.brings) }))
            @if let Some(action) = job.push_action { (fact(texts.action, html! { (texts.action_word(action)) })) }
            (fact(texts.audience, html! {
                @if detail.audiences.is_empty() { (texts.nobody) }
                @for audience in &detail.audiences { div { (asked(audience, texts)) " " span.hint { (planned(audience, viewer, texts)) } } }
            }))
            (maybe(texts.product, more.product.as_ref()))
            (maybe(texts.organisation, more.organisation.as_ref()))
            @if let Some(publication) = more.publication {
                (fact(texts.publication, html! { a href={ "/ui/jobs/" (publication) } { (publication) } }))
            }
            (fact(texts.made, html! { (words::time(job.created_at, viewer)) " " (job.created_by) }))
            @if let (Some(start_at), None) = (job.start_at, job.started_at) {
                (fact(texts.starts, words::time(start_at, viewer)))
            }
            @if let Some(at) = job.started_at { (fact(texts.started, words::time(at, viewer))) }
            @if let Some(at) = job.expires_at { (fact(texts.deadline, words::time(at, viewer))) }
            @if let Some(at) = job.finished_at { (fact(texts.finished, words::time(at, viewer))) }
            (fact(texts.tries, html! { (i32::from(policy.retry_limit) + 1) }))
            (fact(texts.attempt_limit, html! { (words::duration(policy.attempt_timeout_s.into(), language)) }))
            @if more.proof_required { (fact(texts.proof, html! { (texts.proof_needed) })) }
            @if more.force { (fact(texts.force, html! { (texts.forced) })) }
            @if !more.description.is_empty() { (fact(texts.description, html! { (more.description) })) }
            @if !detail.retries.is_empty() {
                (fact(texts.retries, html! { @for wish in &detail.retries { div { (retried(wish, viewer, texts)) } } }))
            }
        }
    }
}

fn asked(audience: &Audience, texts: &Texts) -> Markup {
    match &audience.asked {
        Asked::Devices(count) => html! { (number(*count)) " " (texts.devices) },
        Asked::Product => html! { (texts.whole_product) },
        Asked::Organisation(name) => html! { (texts.organisation) " " (name) },
        Asked::Users { users, groups, labels, ungrouped_of } => {
            let mut parts: Vec<String> = [(*users, texts.users), (*groups, texts.groups), (*labels, texts.labels)]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{} {word}", number(count)))
                .collect();
            parts.extend(ungrouped_of.iter().map(|name| format!("{} {name}", texts.ungrouped)));
            html! { (parts.join(" · ")) }
        }
        Asked::Holders => html! { (texts.holders) },
    }
}

fn planned(audience: &Audience, viewer: &Viewer, texts: &Texts) -> Markup {
    html! {
        (words::time(audience.created_at, viewer)) " " (audience.created_by)
        @if audience.planned_at.is_none() { " · " (texts.being_planned) }
    }
}

fn retried(wish: &RetryWish, viewer: &Viewer, texts: &Texts) -> Markup {
    let states: Vec<&str> = wish.states.iter().map(|state| command_state(*state, viewer.language)).collect();
    html! {
        (words::time(wish.asked_at, viewer)) " " (wish.asked_by) ": " (states.join(", "))
        @if let Some(code) = &wish.code { " " code { (code) } }
        " · " (number(wish.retried)) " " (texts.retried)
        @if wish.busy > 0 { ", " (number(wish.busy)) " " (texts.busy) }
        @if wish.finished_at.is_none() { " · " (texts.going_on) }
    }
}
