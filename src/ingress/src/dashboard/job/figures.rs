//! Figures of a job, its course, and where its commands stand.

use chrono::{DateTime, Utc};
use drover_domain::CommandState;
use drover_service::JobSample;
use maud::{Markup, html};

use super::{Now, texts::Texts};
use crate::dashboard::{
    chart::{self, Ink, Series},
    query,
    session::Viewer,
    words::{self, Tone, command_badge, number, percent},
};

pub(super) fn figures(now: &Now<'_>, viewer: &Viewer, texts: &Texts) -> Markup {
    let (counts, language) = (now.counts, viewer.language);
    let total = counts.total();
    let figure = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    let share = |count: i64| html! { (number(count)) " " span.hint { (percent(count, total)) } };
    let lasted = now.started_at.map(|started| (now.finished_at.unwrap_or(now.at) - started).num_seconds());
    html! {
        h2.visually-hidden { (texts.figures) }
        dl.figures {
            (figure(texts.commands, html! { (number(total)) }))
            (figure(texts.succeeded, share(counts.succeeded())))
            (figure(texts.failed, share(counts.failed())))
            (figure(texts.under_way, share(counts.under_way())))
            (figure(texts.waiting, share(counts.waiting())))
            @if let Some(seconds) = lasted { (figure(texts.lasted, html! { (words::duration(seconds, language)) })) }
            @if let Some(per_s) = now.pace.per_s { (figure(texts.pace, html! { (rate(per_s)) })) }
            @if let Some(ends_at) = now.pace.ends_at {
                (figure(texts.ends, html! { (words::duration((ends_at - now.at).num_seconds(), language)) }))
            }
            @if let (Some(expires_at), None) = (now.expires_at, now.finished_at) {
                (figure(texts.time_left, html! { (words::duration((expires_at - now.at).num_seconds(), language)) }))
            }
        }
    }
}

fn rate(per_s: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // a figure for people
    if per_s >= 100.0 { number(per_s.round() as i64) } else { format!("{per_s:.1}") }
}

/// Samples that a chart shows.
const POINTS_MAX: usize = 200;

/// Where a job's commands stood at a time.
struct Point {
    at: DateTime<Utc>,
    waiting: i64,
    under_way: i64,
    succeeded: i64,
    failed: i64,
}

/// How the job went: nothing before its start, its samples, and now.
pub(super) fn course(now: &Now<'_>, samples: &[JobSample], viewer: &Viewer, texts: &Texts) -> Markup {
    let points = points(now, samples);
    html! {
        h2 { (texts.course) }
        @match (points.first(), points.len()) {
            (Some(first), 2..) => {
                (areas(first.at, &points, viewer, texts))
                p.legend {
                    span.state.good { "✓ " (texts.succeeded) } " · " span.state.bad { "✗ " (texts.failed) } " · "
                    span.state.busy { "→ " (texts.under_way) } " · " span.state.quiet { "○ " (texts.waiting) }
                }
            }
            _ => p.empty { (texts.no_course) }
        }
    }
}

fn points(now: &Now<'_>, samples: &[JobSample]) -> Vec<Point> {
    let Some(started_at) = now.started_at else { return Vec::new() };
    let waits = samples.first().map_or_else(
        || now.counts.total(),
        |sample| sample.planned + sample.queued + sample.under_way + sample.succeeded + sample.failed,
    );
    let start = Point { at: started_at, waiting: waits, under_way: 0, succeeded: 0, failed: 0 };
    let mut points = vec![start];
    // Nobody sees more than there are places for; the last is always there.
    let every = samples.len().div_ceil(POINTS_MAX).max(1);
    let shown = samples.iter().rev().step_by(every).rev();
    points.extend(shown.map(|sample| Point {
        at: sample.at,
        waiting: sample.planned + sample.queued,
        under_way: sample.under_way,
        succeeded: sample.succeeded,
        failed: sample.failed,
    }));
    let counts = now.counts;
    let last = Point {
        at: now.finished_at.unwrap_or(now.at),
        waiting: counts.waiting(),
        under_way: counts.under_way(),
        succeeded: counts.succeeded(),
        failed: counts.failed(),
    };
    // A job that was stopped has samples of what its devices said afterwards.
    let is_behind = points.last().is_none_or(|point| point.at < last.at);
    if is_behind && (!now.is_live || now.finished_at.is_some()) {
        points.push(last);
    }
    points
}

fn areas(first: DateTime<Utc>, points: &[Point], viewer: &Viewer, texts: &Texts) -> Markup {
    #[allow(clippy::cast_precision_loss)] // a picture
    let area = |ink, value: fn(&Point) -> i64| Series {
        ink,
        points: points
            .iter()
            .map(|point| ((point.at - first).num_milliseconds() as f64 / 1000.0, value(point) as f64))
            .collect(),
    };
    let series = [
        area(Ink::Quiet, |p| p.waiting + p.under_way + p.failed + p.succeeded),
        area(Ink::Busy, |p| p.under_way + p.failed + p.succeeded),
        area(Ink::Bad, |p| p.failed + p.succeeded),
        area(Ink::Good, |p| p.succeeded),
    ];
    #[allow(clippy::cast_possible_truncation)] // a label
    let time = |after: f64| words::duration(after as i64, viewer.language);
    chart::areas(&series, texts.course_label, &time)
}

/// Where the commands stand, as a bar and a table that says the same in words.
pub(super) fn states(now: &Now<'_>, viewer: &Viewer, texts: &Texts) -> Markup {
    let shown: Vec<(CommandState, i64)> = now.counts.iter().filter(|(_, count)| *count > 0).collect();
    let parts: Vec<(Ink, i64)> = shown.iter().map(|(state, count)| (ink(*state), *count)).collect();
    let to = |state: CommandState| query::address(&format!("/ui/jobs/{}", now.id), &[("state", state.as_str())]);
    html! {
        h2 { (texts.states) }
        @if shown.is_empty() { p.empty { (texts.no_commands) } } @else {
            (chart::bar(&parts, texts.states))
            div.scroll { table {
                thead { tr {
                    th scope="col" { (texts.state) } th.number scope="col" { (texts.commands) } th.number scope="col" { (texts.share) }
                } }
                tbody { @for (state, count) in &shown { tr {
                    td { a href={ (to(*state)) "#commands" } { (command_badge(*state, viewer.language)) } }
                    td.number { (number(*count)) }
                    td.number { (percent(*count, now.counts.total())) }
                } } }
            } }
        }
    }
}

const fn ink(state: CommandState) -> Ink {
    match words::tone(state) {
        Tone::Quiet => Ink::Quiet,
        Tone::Busy => Ink::Busy,
        Tone::Good => Ink::Good,
        Tone::Bad => Ink::Bad,
        Tone::Stopped => Ink::Stopped,
    }
}
